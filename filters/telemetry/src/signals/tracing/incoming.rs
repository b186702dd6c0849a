//! The trace context of a request.

use filter_core::Headers;

use crate::trace_context::{B3, InvalidTraceParent, TraceParent};

/// The span of the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RemoteParent {
    pub(super) parent: TraceParent,
    /// Whether the caller samples the trace; `None` if it did not decide.
    pub(super) decision: Option<bool>,
    /// Whether the context came in B3 headers, which are translated to W3C.
    pub(super) is_b3: bool,
}

/// The trace context of a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Incoming {
    pub(super) remote: Option<RemoteParent>,
    /// A sampling decision without a span.
    pub(super) decision: Option<bool>,
    /// Whether `traceparent` is invalid.
    pub(super) is_invalid: bool,
}

impl Incoming {
    pub(super) fn read(headers: &Headers, accepts_b3: bool) -> Self {
        let parent = TraceParent::of(headers);
        if let Ok(Some(parent)) = parent {
            let decision = Some(parent.is_sampled());
            let remote = RemoteParent { parent, decision, is_b3: false };
            return Self { remote: Some(remote), ..Self::default() };
        }
        let b3 = if accepts_b3 { B3::of(headers) } else { None };
        let own = Self { is_invalid: parent == Err(InvalidTraceParent), ..Self::default() };
        match b3 {
            None => own,
            Some(B3::Decision(is_sampled)) => Self { decision: Some(is_sampled), ..own },
            Some(B3::Context { trace_id, span_id, is_sampled }) => {
                let parent = TraceParent::new(trace_id, span_id, is_sampled == Some(true));
                let remote = RemoteParent { parent, decision: is_sampled, is_b3: true };
                Self { remote: Some(remote), ..own }
            }
        }
    }
}
