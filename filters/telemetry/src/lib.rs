//! Metrics, traces and access logs of HTTP streams.
//!
//! All logic is pure: it reads no clock, draws no random bits and calls no proxy. The `plugin`
//! module does:
//!
//! 1. At configuration: [`parse_config`](filter_core::parse_config) to a [`Config`], then
//!    [`Policy::new`].
//! 2. Per stream: start its trace, count its bytes, and record it when it has ended.
//!
//! [`Policy::explain`] explains what the filter does with a given stream.

pub mod config;
pub mod explain;
pub mod export;
pub mod expression;
mod plugin;
mod policy;
pub mod prometheus;
pub mod signals;
mod stream;
mod trace_context;

pub use crate::config::Config;
pub use crate::export::exporters::Exporters;
pub use crate::export::resource::Node;
pub use crate::plugin::Telemetry;
pub use crate::policy::Policy;
pub use crate::policy::operations::{Operations, RequestTarget};
pub use crate::policy::response_headers::{REQUEST_ID, ResponseHeaders};
pub use crate::signals::metrics::{
    CardinalityLimit, CustomLabel, CustomMetric, Family, Group, Interner, LabelSource, LabelValue,
    LabelledName, Lookup, Measurements, MetricKind, MetricSource, Metrics, OTHER, OVERFLOW, Plan,
    StandardMetric, StatusClass, hash,
};
pub use crate::signals::slo::Slo;
pub use crate::signals::tracing::{
    HeaderChange, SamplingSource, SpanInputs, StreamOutcome, Tag, TagAction, TagSource, Threshold,
    Trace, TraceStart, Tracer, TracerState, Tracing,
};
pub use crate::stream::direction::Direction;
pub use crate::stream::messages::MessageCounter;
pub use crate::stream::record::{CompletedStream, Ending, Method, Record};
pub use crate::stream::response_flags::response_flags;
pub use crate::trace_context::{
    B3, InvalidTraceParent, InvalidTraceState, Propagation, SpanId, TraceId, TraceParent,
    TraceState, baggage,
};
pub use filter_core::Generator;
