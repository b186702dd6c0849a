//! OTLP log records.

use std::time::Duration;

use filter_core::protobuf::{bytes, fixed32, fixed64, message, varint};

use super::{Item, message::Attribute};
use crate::trace_context::{SpanId, TraceId};

/// An OTLP log record of one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord<'a> {
    /// When the stream started, since the Unix epoch.
    pub time: Duration,
    /// When the record was created, since the Unix epoch.
    pub observed: Duration,
    /// The severity.
    pub severity: Severity,
    /// The fields, sent as attributes.
    pub fields: Vec<Attribute<'a>>,
    /// The trace and the closest known span of the stream; `None` if it is not traced.
    pub trace: Option<(TraceId, SpanId)>,
    /// Whether the trace is sampled.
    pub is_sampled: bool,
}

/// The severity of a log record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// No error.
    Info,
    /// A client error.
    Warn,
    /// An error.
    Error,
}

impl Severity {
    const fn number(self) -> u64 {
        match self {
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
        }
    }

    /// Returns the severity text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl LogRecord<'_> {
    /// Encodes the record as an item of a request.
    #[must_use]
    pub fn encode(&self) -> Item {
        Item::new(|out| self.write(out))
    }

    fn write(&self, out: &mut Vec<u8>) {
        fixed64(1, nanos(self.time), out);
        varint(2, self.severity.number(), out);
        bytes(3, self.severity.name().as_bytes(), out);
        for field in &self.fields {
            message(6, out, |out| field.write(out));
        }
        fixed32(8, u32::from(self.is_sampled), out);
        if let Some((trace, span)) = &self.trace {
            bytes(9, trace.as_bytes(), out);
            bytes(10, span.as_bytes(), out);
        }
        fixed64(11, nanos(self.observed), out);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
