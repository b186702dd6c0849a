//! The `traceparent` header.

use std::fmt;

use filter_core::Headers;

use super::{SpanId, TraceId, ids::hex};

/// Length of version 00, in bytes.
const LEN: usize = 55;
/// The `sampled` flag.
const SAMPLED: u8 = 0b01;
/// The `random-trace-id` flag of level 2.
const RANDOM: u8 = 0b10;

/// A `traceparent`: the trace and the parent span of a request
/// (<https://www.w3.org/TR/trace-context-2/#traceparent-header>).
///
/// Parsed from any version but `ff`, written as version 00.
///
/// ```
/// use telemetry::TraceParent;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let parent = TraceParent::parse(text.as_bytes())?;
/// assert!(parent.is_sampled());
/// assert_eq!(parent.to_string(), text);
/// # Ok::<(), telemetry::InvalidTraceParent>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceParent {
    trace_id: TraceId,
    span_id: SpanId,
    flags: u8,
}

/// The error for a malformed or repeated `traceparent`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidTraceParent;

impl TraceParent {
    /// Creates a context whose parent span is `span_id`.
    #[must_use]
    pub const fn new(trace_id: TraceId, span_id: SpanId, is_sampled: bool) -> Self {
        Self { trace_id, span_id, flags: if is_sampled { SAMPLED } else { 0 } }
    }

    /// Parses a header value.
    ///
    /// # Errors
    ///
    /// Fails on upper-case digits, zero ids, version `ff`, and data after the flags of version 00.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidTraceParent> {
        Self::read(text).ok_or(InvalidTraceParent)
    }

    /// Parses the `traceparent` of a request; `None` if it has none.
    ///
    /// # Errors
    ///
    /// Fails like [`TraceParent::parse`], and on more than one header, even if they are equal.
    pub fn from_headers(headers: &Headers) -> Result<Option<Self>, InvalidTraceParent> {
        let mut values = headers.all("traceparent");
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(only), None) => Self::parse(only).map(Some),
            _ => Err(InvalidTraceParent),
        }
    }

    fn read(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LEN)?;
        let mut parts = known.split(|byte| *byte == b'-');
        let version = hex(parts.next()?, 2)?;
        let trace_id = TraceId::parse(parts.next()?)?;
        let span_id = SpanId::parse(parts.next()?)?;
        let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
        let is_end_valid = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.first().is_none_or(|byte| *byte == b'-'),
        };
        let is_valid = is_end_valid && parts.next().is_none();
        is_valid.then_some(Self { trace_id, span_id, flags: flags & (SAMPLED | RANDOM) })
    }

    /// Returns a context of the same trace whose parent span is `span_id`.
    ///
    /// The `random-trace-id` flag is kept, as level 2 requires.
    #[must_use]
    pub const fn child(&self, span_id: SpanId, is_sampled: bool) -> Self {
        let sampled = if is_sampled { SAMPLED } else { 0 };
        Self { trace_id: self.trace_id, span_id, flags: (self.flags & RANDOM) | sampled }
    }

    /// Returns the trace id.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Returns the parent span id.
    #[must_use]
    pub const fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Returns `true` if the `sampled` flag is set.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns the known flags.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "00-{}-{}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const TRACE: &str = "12345678901234567890123456789012";
    const SPAN: &str = "1234567890123456";

    #[test]
    fn accepts_the_valid_headers_of_the_w3c_test_suite() {
        for (text, sampled) in [
            (format!("00-{TRACE}-{SPAN}-00"), false),
            (format!("00-{TRACE}-{SPAN}-01"), true),
            (format!("00-{TRACE}-{SPAN}-ff"), true),
            (format!("00-{TRACE}-{SPAN}-02"), false),
            (format!("cc-{TRACE}-{SPAN}-01"), true),
            (format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"), true),
            (format!("cc-{TRACE}-{SPAN}-01-"), true),
        ] {
            let parent = TraceParent::parse(text.as_bytes()).unwrap();
            assert_eq!(parent.is_sampled(), sampled, "{text}");
            assert_eq!(parent.trace_id().to_string(), TRACE);
            assert_eq!(parent.span_id().to_string(), SPAN);
        }
    }

    #[test]
    fn rejects_the_invalid_headers_of_the_w3c_test_suite() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-001"),
            format!("00-{TRACE}-{SPAN}-01."),
            format!("00-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
            format!("cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!(".0-{TRACE}-{SPAN}-01"),
            format!("0.-{TRACE}-{SPAN}-01"),
            format!("000-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-.{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{}a-{SPAN}-01", TRACE),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-.{}-01", &SPAN[1..]),
            format!("00-{TRACE}-{SPAN}1-01"),
            format!("00-{TRACE}-{SPAN}-.0"),
            format!("00-{TRACE}-{SPAN}-0."),
            format!("00-{}-{SPAN}-01", "A".repeat(32)),
            format!("00-{TRACE}-{}-01", "B".repeat(16)),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("00_{TRACE}_{SPAN}_01"),
        ] {
            assert_eq!(TraceParent::parse(text.as_bytes()), Err(InvalidTraceParent), "{text}");
        }
    }

    #[test]
    fn rejects_two_headers_even_if_equal() {
        let text = format!("00-{TRACE}-{SPAN}-01");
        let one = Headers::from_iter([("traceparent", text.as_str())]);
        assert!(TraceParent::from_headers(&one).unwrap().is_some());
        let two = Headers::from_iter([("traceparent", text.as_str()), ("traceparent", &text)]);
        assert_eq!(TraceParent::from_headers(&two), Err(InvalidTraceParent));
        assert_eq!(TraceParent::from_headers(&Headers::default()), Ok(None));
    }

    #[test]
    fn a_child_keeps_the_trace_id_and_the_random_flag() {
        let parent = TraceParent::parse(format!("01-{TRACE}-{SPAN}-fe-x").as_bytes()).unwrap();
        let child = parent.child(SpanId::new(0xabc).unwrap(), true);
        assert_eq!(child.to_string(), format!("00-{TRACE}-0000000000000abc-03"));
        let fresh = TraceParent::new(parent.trace_id(), parent.span_id(), false);
        assert_eq!(fresh.to_string(), format!("00-{TRACE}-{SPAN}-00"));
    }

    #[test]
    fn never_panics() {
        for length in 0..=70 {
            for byte in [0, b'-', b'0', 0xff] {
                let _ = TraceParent::parse(&vec![byte; length]);
            }
        }
    }
}
