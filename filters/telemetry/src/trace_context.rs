//! Trace contexts in request headers: W3C Trace Context, baggage and B3.

mod b3;
pub mod baggage;
mod ids;
mod traceparent;
mod tracestate;

pub use crate::trace_context::{
    b3::B3,
    ids::{SpanId, TraceId},
    traceparent::{InvalidTraceParent, TraceParent},
    tracestate::{InvalidTraceState, TraceState},
};

/// A header format that carries a trace context.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Propagation {
    /// W3C Trace Context: `traceparent` and `tracestate`.
    W3c,
    /// B3: `b3`, or the `x-b3-*` headers.
    B3,
}

impl Propagation {
    /// Every format, in order of precedence.
    pub const ALL: [Self; 2] = [Self::W3c, Self::B3];
}

/// Headers that carry a trace context, in any format.
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

#[cfg(all(test, not(target_arch = "wasm32")))]
mod reference;
