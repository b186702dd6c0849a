//! Configuration values that are valid by construction.

pub(crate) mod claim_path;
pub(crate) mod cluster;
pub(crate) mod duration;
pub(crate) mod header_name;
pub(crate) mod integer;
pub(crate) mod ip_range;
pub(crate) mod ip_set;
pub(crate) mod metric_names;
pub(crate) mod number_spans;
pub(crate) mod percentage;
pub(crate) mod placeholder;
pub(crate) mod redaction;
pub(crate) mod redactor;
pub(crate) mod text;
pub mod time_text;
