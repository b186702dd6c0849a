//! One HTTP stream: its facts, counters and end.

pub(crate) mod direction;
pub(crate) mod ended;
pub(crate) mod messages;
pub(crate) mod record;
pub(crate) mod response_flags;
