//! The messages of OTLP, as far as they are filled in.
//!
//! They borrow what they tell, and write it down at once. Field numbers are those of
//! opentelemetry-proto 1; the tests read what is written with its own crate.

use std::borrow::Cow;

use super::write::{bytes, fixed32, fixed64, message, varint};
use crate::trace_context::{SpanId, TraceId};

/// A named value.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// The name, as the semantic conventions have it.
    pub key: Cow<'a, str>,
    /// What it says.
    pub value: Value<'a>,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
}

/// A span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span<'a> {
    /// The trace.
    pub trace_id: TraceId,
    /// The span itself.
    pub span_id: SpanId,
    /// The caller's `tracestate`; empty where there is none.
    pub trace_state: Cow<'a, str>,
    /// The span above; absent for the first of a trace.
    pub parent_span_id: Option<SpanId>,
    /// What a person calls it.
    pub name: Cow<'a, str>,
    /// On which side of a call it is.
    pub kind: SpanKind,
    /// Its beginning, in nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// Its end, in nanoseconds since 1970.
    pub end_time_unix_nano: u64,
    /// What else is known.
    pub attributes: Vec<Attribute<'a>>,
    /// A span of another trace that belongs to it.
    pub link: Option<Link>,
    /// Whether its status is an error; otherwise nothing is said.
    pub is_failed: bool,
    /// The flags of its context, and whether the span above is another process's.
    pub flags: u32,
}

/// A span of another trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The other trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// The flags of the other context.
    pub flags: u32,
}

/// Sides of a call, by their numbers in OTLP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SpanKind {
    /// The side that is called.
    Server = 2,
    /// The side that calls.
    Client = 3,
}

/// `Status.code` of a span that failed.
const STATUS_ERROR: u64 = 2;

impl<'a> Attribute<'a> {
    /// Names a value.
    #[must_use]
    pub fn new(key: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) -> Self {
        Self { key: key.into(), value: value.into() }
    }

    /// Cuts a text that has more than `longest` bytes, at the end of a letter.
    pub fn cut(&mut self, longest: usize) {
        let Value::Text(text) = &mut self.value else { return };
        let end = text.floor_char_boundary(longest);
        match text {
            Cow::Borrowed(text) => *text = text.get(..end).unwrap_or(text),
            Cow::Owned(text) => text.truncate(end),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        bytes(1, self.key.as_bytes(), out);
        message(2, out, |out| match &self.value {
            Value::Text(text) => bytes(1, text.as_bytes(), out),
            Value::Bool(value) => varint(2, u64::from(*value), out),
            // Two's complement, as an int64 goes.
            Value::Int(number) => varint(3, number.cast_unsigned(), out),
            Value::Double(number) => fixed64(4, number.to_bits(), out),
        });
    }
}

impl Span<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        bytes(1, self.trace_id.as_bytes(), out);
        bytes(2, self.span_id.as_bytes(), out);
        if !self.trace_state.is_empty() {
            bytes(3, self.trace_state.as_bytes(), out);
        }
        if let Some(parent) = &self.parent_span_id {
            bytes(4, parent.as_bytes(), out);
        }
        bytes(5, self.name.as_bytes(), out);
        varint(6, self.kind as u64, out);
        fixed64(7, self.start_time_unix_nano, out);
        fixed64(8, self.end_time_unix_nano, out);
        for attribute in &self.attributes {
            message(9, out, |out| attribute.write(out));
        }
        if let Some(link) = &self.link {
            message(13, out, |out| link.write(out));
        }
        if self.is_failed {
            message(15, out, |out| varint(3, STATUS_ERROR, out));
        }
        fixed32(16, self.flags, out);
    }
}

impl Link {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(1, self.trace_id.as_bytes(), out);
        bytes(2, self.span_id.as_bytes(), out);
        fixed32(6, self.flags, out);
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}
