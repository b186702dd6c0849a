//! Parts of HTTP messages: headers, paths, replies and outcomes.

pub(crate) mod authority;
pub(crate) mod body_text;
pub mod grpc;
pub(crate) mod grpc_status;
pub(crate) mod header_edits;
pub(crate) mod headers;
pub(crate) mod path;
pub(crate) mod problem_details;
pub(crate) mod reply;
pub(crate) mod response_outcome;
