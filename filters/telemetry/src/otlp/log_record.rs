//! Log records.

use std::time::Duration;

use super::{
    Item,
    message::{Attribute, LogMessage, Value},
};
use crate::trace_context::{SpanId, TraceId};

/// What is said about one stream to an OTLP log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// When the stream began, since 1970.
    pub time: Duration,
    /// When the record was made, since 1970.
    pub observed: Duration,
    /// How bad it is.
    pub severity: Severity,
    /// The fields, by name.
    pub fields: Vec<(String, Value)>,
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
    const fn number(self) -> i32 {
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

impl LogRecord {
    /// Encodes the record as one item of a request.
    #[must_use]
    pub fn encode(self) -> Item {
        let fields = self.fields.into_iter();
        Item::new(&LogMessage {
            time_unix_nano: nanos(self.time),
            severity_number: self.severity.number(),
            severity_text: self.severity.name().to_owned(),
            attributes: fields.map(|(key, value)| Attribute::new(key, value)).collect(),
            flags: u32::from(self.is_sampled),
            trace_id: self.trace.map_or_else(Vec::new, |(trace, _)| trace.as_bytes().to_vec()),
            span_id: self.trace.map_or_else(Vec::new, |(_, span)| span.as_bytes().to_vec()),
            observed_time_unix_nano: nanos(self.observed),
        })
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
