//! OTLP encoding of spans and log records, and decoding of responses.
//!
//! Follows <https://opentelemetry.io/docs/specs/otlp/>. An item is encoded once, as a field of a
//! request; a request is an [`Envelope`] around encoded items.

mod envelope;
mod log_record;
mod message;
mod response;

pub use crate::export::otlp::{
    envelope::{Envelope, Framing, Item},
    log_record::{LogRecord, Severity},
    message::{Attribute, Link, Span, SpanKind, Value},
    response::{PartialSuccess, retry_delay},
};

pub(crate) use crate::export::otlp::response::printable_line;

/// An exported signal.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

impl Signal {
    /// Returns the path of the gRPC method that exports it.
    #[must_use]
    pub const fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}
