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

pub mod config;
pub mod explain;
pub mod export;
pub mod expression;
#[cfg(target_os = "wasi")]
mod plugin;
mod policy;
pub mod prometheus;
pub mod signals;
mod stream;
mod trace_context;

pub use crate::config::Config;
pub use crate::export::exporters::Outlets;
pub use crate::export::resource::Node;
pub use crate::policy::Policy;
pub use crate::policy::operations::{Operations, Target};
pub use crate::policy::response_headers::{REQUEST_ID, ResponseHeaders};
pub use crate::signals::metrics::{
    CardinalityLimit, CustomLabel, CustomMetric, Family, Findings, Group, Interner, LabelSource,
    LabelValue, LabelledName, Lookup, MetricKind, MetricSource, Metrics, OTHER, OVERFLOW, Plan,
    StandardMetric, StatusClass, hash,
};
pub use crate::signals::slo::Slo;
pub use crate::signals::tracing::{
    Begun, HeaderChange, SamplingSource, Seen, StreamOutcome, Tag, TagAction, TagSource, Threshold,
    Trace, Tracer, TracerState, Tracing,
};
pub use crate::stream::direction::Direction;
pub use crate::stream::ended::Ended;
pub use crate::stream::messages::Messages;
pub use crate::stream::record::{Ending, Method, Record};
pub use crate::stream::response_flags::response_flags;
pub use crate::trace_context::{
    B3, InvalidTraceParent, InvalidTraceState, SpanId, TraceId, TraceParent, TraceState, baggage,
};
pub use filter_core::Generator;
