//! One HTTP stream: its progress, record, message counts, direction and response flags.

pub(crate) mod direction;
pub(crate) mod messages;
pub(crate) mod progress;
pub(crate) mod record;
pub(crate) mod response_flags;
