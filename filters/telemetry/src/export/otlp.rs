//! OTLP, as far as a proxy speaks it: spans and log records out, answers in.
//!
//! Follows <https://opentelemetry.io/docs/specs/otlp/>. An item is encoded once, into the very bytes
//! of its place in a request; a request is an [`Envelope`] around such items.

mod answer;
mod envelope;
mod log_record;
mod message;
mod wire;
mod write;

pub use crate::export::otlp::{
    answer::{Rejection, retry_delay},
    envelope::{Envelope, Item},
    log_record::{LogRecord, Severity},
    message::{Attribute, Link, Span, SpanKind, Value},
};

pub(crate) use crate::export::otlp::answer::on_one_line;

/// The kinds of telemetry that are exported.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

impl Signal {
    /// The path of the gRPC method that takes them.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}
