//! Which trace a request belongs to: W3C Trace Context, and B3 as some callers still send it.

use std::fmt;

mod b3;
pub mod baggage;
mod draw;
mod traceparent;
mod tracestate;

pub use crate::trace_context::{
    b3::B3,
    traceparent::{InvalidTraceParent, TraceParent},
    tracestate::{InvalidTraceState, TraceState},
};

/// Headers that say which trace a request belongs to.
pub(crate) const CONTEXT_HEADERS: [&str; 9] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
];

/// The number of a trace, never zero. Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TraceId([u8; 16]);

/// The number of a span in its trace, never zero. Written as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// Takes a number, `None` for zero.
    #[must_use]
    pub const fn new(number: u128) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number.to_be_bytes())) }
    }

    /// Returns the bytes, the highest first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the low 56 bits, which W3C Trace Context level 2 wants to be random.
    #[must_use]
    pub const fn low_56_bits(&self) -> u64 {
        const MASK: u128 = (1 << 56) - 1;
        (u128::from_be_bytes(self.0) & MASK) as u64
    }
}

impl SpanId {
    /// Takes a number, `None` for zero.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number.to_be_bytes())) }
    }

    /// Returns the bytes, the highest first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Reads a number of exactly `digits` hexadecimal digits, letters in lower case.
fn hex(text: &[u8], digits: usize) -> Option<u128> {
    if text.len() != digits {
        return None;
    }
    text.iter().try_fold(0_u128, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit.wrapping_sub(b'0'),
            b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            _ => return None,
        };
        Some((number << 4) | u128::from(value))
    })
}

/// Reads the number of a trace: 32 digits, not all zero.
fn trace_id(text: &[u8]) -> Option<TraceId> {
    hex(text, 32).and_then(TraceId::new)
}

/// Reads the number of a span: 16 digits, not all zero.
fn span_id(text: &[u8]) -> Option<SpanId> {
    hex(text, 16).and_then(|number| SpanId::new(u64::try_from(number).ok()?))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod reference;
