//! OTLP messages, limited to the fields that are used.
//!
//! Field numbers are those of opentelemetry-proto 1; the tests decode the output with its crate.

use std::borrow::Cow;

use filter_core::protobuf::{bytes, fixed32, fixed64, message, varint};

use crate::trace_context::{SpanId, TraceId};

/// A span or log attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// The name.
    pub key: Cow<'a, str>,
    /// The value.
    pub value: Value<'a>,
}

/// An attribute value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
}

/// A span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span<'a> {
    /// The trace id.
    pub trace_id: TraceId,
    /// The span id.
    pub span_id: SpanId,
    /// The caller's `tracestate`; empty if it sent none.
    pub trace_state: Cow<'a, str>,
    /// The parent span; `None` for a root span.
    pub parent_span_id: Option<SpanId>,
    /// The span name.
    pub name: Cow<'a, str>,
    /// The span kind.
    pub kind: SpanKind,
    /// Start time, in nanoseconds since the Unix epoch.
    pub start_time_unix_nano: u64,
    /// End time, in nanoseconds since the Unix epoch.
    pub end_time_unix_nano: u64,
    /// The attributes.
    pub attributes: Vec<Attribute<'a>>,
    /// A link to a span of another trace.
    pub link: Option<Link>,
    /// Whether the status is an error; otherwise it is unset.
    pub is_failed: bool,
    /// W3C trace flags, and whether the parent is remote.
    pub flags: u32,
}

/// A link to a span of another trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The linked trace id.
    pub trace_id: TraceId,
    /// The linked span id.
    pub span_id: SpanId,
    /// Flags of the linked context.
    pub flags: u32,
}

/// A span kind, numbered as in OTLP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SpanKind {
    /// The server side of a call.
    Server = 2,
    /// The client side of a call.
    Client = 3,
}

/// `Status.code` of a span that failed.
const STATUS_ERROR: u64 = 2;

impl<'a> Attribute<'a> {
    /// Creates an attribute.
    #[must_use]
    pub fn new(key: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) -> Self {
        Self { key: key.into(), value: value.into() }
    }

    /// Truncates a text to at most `max_len` bytes, at a character boundary.
    pub fn truncate(&mut self, max_len: usize) {
        let Value::Text(text) = &mut self.value else { return };
        let end = text.floor_char_boundary(max_len);
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
            // Two's complement, the encoding of an int64.
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
