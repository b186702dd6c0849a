//! The messages of OTLP, as far as they are filled in.
//!
//! Field numbers are those of opentelemetry-proto 1; the tests compare with its own crate.

use prost::{Enumeration, Message, Oneof};

/// A named value.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// The name, as the semantic conventions have it.
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4")]
    value: Option<Value>,
}

/// A value of an attribute.
#[derive(Clone, PartialEq, Oneof)]
pub enum Value {
    /// Text.
    #[prost(string, tag = "1")]
    Text(String),
    /// Yes or no.
    #[prost(bool, tag = "2")]
    Bool(bool),
    /// A whole number.
    #[prost(int64, tag = "3")]
    Int(i64),
    /// A number.
    #[prost(double, tag = "4")]
    Double(f64),
}

/// A span.
#[derive(Clone, PartialEq, Message)]
pub struct Span {
    /// The trace, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    /// The span itself, 8 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    /// The caller's `tracestate`.
    #[prost(string, tag = "3")]
    pub trace_state: String,
    /// The span above, 8 bytes; empty for the first of a trace.
    #[prost(bytes = "vec", tag = "4")]
    pub parent_span_id: Vec<u8>,
    /// What a person calls it.
    #[prost(string, tag = "5")]
    pub name: String,
    /// On which side of a call it is.
    #[prost(enumeration = "SpanKind", tag = "6")]
    pub kind: i32,
    /// Its beginning, in nanoseconds since 1970.
    #[prost(fixed64, tag = "7")]
    pub start_time_unix_nano: u64,
    /// Its end, in nanoseconds since 1970.
    #[prost(fixed64, tag = "8")]
    pub end_time_unix_nano: u64,
    /// What else is known.
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<Attribute>,
    /// Spans of other traces that belong to it.
    #[prost(message, repeated, tag = "13")]
    pub links: Vec<Link>,
    /// Whether it failed.
    #[prost(message, optional, tag = "15")]
    pub status: Option<Status>,
    /// The flags of its context, and whether the span above is another process's.
    #[prost(fixed32, tag = "16")]
    pub flags: u32,
}

/// A span of another trace.
#[derive(Clone, PartialEq, Message)]
pub struct Link {
    /// The other trace, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    /// The other span, 8 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    /// The other `tracestate`.
    #[prost(string, tag = "3")]
    pub trace_state: String,
    /// The flags of the other context.
    #[prost(fixed32, tag = "6")]
    pub flags: u32,
}

/// Whether a span failed.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Status {
    /// The outcome.
    #[prost(enumeration = "StatusCode", tag = "3")]
    pub code: i32,
}

/// Outcomes of a span.
#[derive(Clone, Copy, Debug, Eq, Enumeration, PartialEq)]
#[repr(i32)]
pub enum StatusCode {
    /// Nobody said that it failed.
    Unset = 0,
    /// It failed.
    Error = 2,
}

/// Sides of a call.
#[derive(Clone, Copy, Debug, Eq, Enumeration, PartialEq)]
#[repr(i32)]
pub enum SpanKind {
    /// Not said.
    Unspecified = 0,
    /// The side that is called.
    Server = 2,
    /// The side that calls.
    Client = 3,
}

/// A log record.
#[derive(Clone, PartialEq, Message)]
pub(super) struct LogMessage {
    #[prost(fixed64, tag = "1")]
    pub(super) time_unix_nano: u64,
    #[prost(int32, tag = "2")]
    pub(super) severity_number: i32,
    #[prost(string, tag = "3")]
    pub(super) severity_text: String,
    #[prost(message, repeated, tag = "6")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(fixed32, tag = "8")]
    pub(super) flags: u32,
    #[prost(bytes = "vec", tag = "9")]
    pub(super) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub(super) span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    pub(super) observed_time_unix_nano: u64,
}

/// Who the telemetry is about.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(super) attributes: Vec<Attribute>,
}

/// Who made the telemetry.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Scope {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

impl Attribute {
    /// Names a value.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { key: key.into(), value: Some(AnyValue { value: Some(value.into()) }) }
    }

    /// Cuts a text that has more than `longest` bytes, at the end of a letter.
    pub fn cut(&mut self, longest: usize) {
        let value = self.value.as_mut().and_then(|value| value.value.as_mut());
        if let Some(Value::Text(text)) = value {
            text.truncate(text.floor_char_boundary(longest));
        }
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        self.value.as_ref()?.value.as_ref()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}
