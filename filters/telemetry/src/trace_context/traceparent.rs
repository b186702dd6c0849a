//! The header `traceparent`.

use std::fmt;

use filter_core::Headers;

use super::{SpanId, TraceId, hex, span_id, trace_id};

/// The length of version 00.
const LENGTH: usize = 55;
/// The bit that says that the caller reports the trace.
const SAMPLED: u8 = 0b01;
/// The bit of level 2 that says that the trace's number is random.
const RANDOM: u8 = 0b10;

/// The place of a request in a trace, as W3C Trace Context writes it:
/// <https://www.w3.org/TR/trace-context-2/#traceparent-header>.
///
/// Read from any version but `ff`, written as version 00.
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

/// A `traceparent` that names no place in a trace, or two of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidTraceParent;

impl TraceParent {
    /// Makes the context that a child of span `span_id` gets.
    #[must_use]
    pub const fn new(trace_id: TraceId, span_id: SpanId, is_sampled: bool) -> Self {
        Self { trace_id, span_id, flags: if is_sampled { SAMPLED } else { 0 } }
    }

    /// Reads the value of the header.
    ///
    /// # Errors
    ///
    /// Refuses upper case, zero ids, version `ff`, and what follows the flags in version 00.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidTraceParent> {
        Self::read(text).ok_or(InvalidTraceParent)
    }

    /// Reads the one `traceparent` of a request; `None` where it has none.
    ///
    /// # Errors
    ///
    /// Refuses what [`TraceParent::parse`] refuses, and two headers even where they are equal.
    pub fn of(headers: &Headers) -> Result<Option<Self>, InvalidTraceParent> {
        let mut values = headers.all("traceparent");
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(only), None) => Self::parse(only).map(Some),
            _ => Err(InvalidTraceParent),
        }
    }

    fn read(text: &[u8]) -> Option<Self> {
        let (known, more) = text.split_at_checked(LENGTH)?;
        let mut parts = known.split(|byte| *byte == b'-');
        let version = hex(parts.next()?, 2)?;
        let trace_id = trace_id(parts.next()?)?;
        let span_id = span_id(parts.next()?)?;
        let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
        let ends_well = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.first().is_none_or(|byte| *byte == b'-'),
        };
        let is_whole = ends_well && parts.next().is_none();
        is_whole.then_some(Self { trace_id, span_id, flags: flags & (SAMPLED | RANDOM) })
    }

    /// Returns the context for a child of `span_id` in the same trace.
    ///
    /// That the trace's number is random stays said, as level 2 wants it.
    #[must_use]
    pub const fn child(&self, span_id: SpanId, is_sampled: bool) -> Self {
        let sampled = if is_sampled { SAMPLED } else { 0 };
        Self { trace_id: self.trace_id, span_id, flags: (self.flags & RANDOM) | sampled }
    }

    /// Returns the number of the trace.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Returns the number of the caller's span.
    #[must_use]
    pub const fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Says whether the caller reports the trace.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns the flags that are known.
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
    fn accepts_what_the_test_suite_of_the_standard_accepts() {
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
    fn refuses_what_the_test_suite_of_the_standard_refuses() {
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
    fn two_headers_are_none_even_where_they_are_equal() {
        let text = format!("00-{TRACE}-{SPAN}-01");
        let one = Headers::from_iter([("traceparent", text.as_str())]);
        assert!(TraceParent::of(&one).unwrap().is_some());
        let two = Headers::from_iter([("traceparent", text.as_str()), ("traceparent", &text)]);
        assert_eq!(TraceParent::of(&two), Err(InvalidTraceParent));
        assert_eq!(TraceParent::of(&Headers::default()), Ok(None));
    }

    #[test]
    fn a_child_keeps_the_trace_and_the_mark_of_randomness() {
        let parent = TraceParent::parse(format!("01-{TRACE}-{SPAN}-fe-x").as_bytes()).unwrap();
        let child = parent.child(SpanId::new(0xabc).unwrap(), true);
        assert_eq!(child.to_string(), format!("00-{TRACE}-0000000000000abc-03"));
        let fresh = TraceParent::new(parent.trace_id(), parent.span_id(), false);
        assert_eq!(fresh.to_string(), format!("00-{TRACE}-{SPAN}-00"));
    }

    #[test]
    fn no_bytes_trap() {
        for length in 0..=70 {
            for byte in [0, b'-', b'0', 0xff] {
                let _ = TraceParent::parse(&vec![byte; length]);
            }
        }
    }
}
