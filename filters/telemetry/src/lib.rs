//! Counts, times, traces and logs every stream of a proxy.
//!
//! The crate decides and nothing else: it reads no clock, draws no random bits and knows no proxy.
//! The shell around it does this:
//!
//! 1. At configuration: [`parse_config`](filter_core::parse_config) to a [`Config`], then
//!    [`Policy::new`].
//! 2. Per stream: note its beginning and its bytes, and hand all of it to the policy when it ends.
//!
//! [`Policy::explain`] says in words what becomes of a stream that somebody describes.

pub mod access_log;
mod compiler;
pub mod config;
mod direction;
mod ended;
pub mod explain;
pub mod export;
pub mod expression;
pub mod filter;
mod generator;
pub mod label;
mod messages;
mod metrics;
mod operations;
pub mod otlp;
mod outlets;
#[cfg(target_os = "wasi")]
mod plugin;
mod policy;
pub mod prometheus;
mod record;
pub mod redact;
mod resource;
mod response_flags;
mod response_headers;
mod slo;
mod token_bucket;
mod trace_context;
mod tracing;

pub use crate::config::Config;
pub use crate::direction::Direction;
pub use crate::ended::Ended;
pub use crate::messages::Messages;
pub use crate::metrics::{
    Admission, FOLDED, Family, Findings, Group, Interner, Kind, Known, LabelSource, LabelValue,
    Labelled, Metrics, OTHER, OwnLabel, OwnMetric, Plan, Standard, StatusClass, What, hash,
};
pub use crate::operations::{Operations, Target};
pub use crate::outlets::Outlets;
pub use crate::policy::Policy;
pub use crate::record::{Ending, Method, Record};
pub use crate::resource::Node;
pub use crate::response_flags::response_flags;
pub use crate::response_headers::{REQUEST_ID, ResponseHeaders};
pub use crate::slo::Slo;
pub use crate::token_bucket::TokenBucket;
pub use crate::trace_context::{
    B3, InvalidTraceParent, InvalidTraceState, SpanId, TraceId, TraceParent, TraceState, baggage,
};
pub use crate::tracing::{
    Begun, Cause, Change, HeaderChange, Outcome, Seen, Tag, TagSource, Threshold, Trace, Tracer,
    Tracing, Worker,
};
pub use filter_core::Generator;
