//! Log records.

use std::time::Duration;

use super::{
    Item,
    message::Attribute,
    write::{bytes, fixed32, fixed64, message, varint},
};
use crate::trace_context::{SpanId, TraceId};

/// What is said about one stream to an OTLP log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord<'a> {
    /// When the stream began, since 1970.
    pub time: Duration,
    /// When the record was made, since 1970.
    pub observed: Duration,
    /// How bad it is.
    pub severity: Severity,
    /// The fields.
    pub fields: Vec<Attribute<'a>>,
    /// The trace that the stream belongs to, and the span in it that is nearest.
    pub trace: Option<(TraceId, SpanId)>,
    /// Whether that trace is reported.
    pub is_sampled: bool,
}

/// How bad a record is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// All is well.
    Info,
    /// The client's fault.
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

    /// Returns the name, as OpenTelemetry writes it.
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
    /// Encodes the record as one item of a request.
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
