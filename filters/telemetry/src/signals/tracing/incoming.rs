//! The trace context of a request.

use filter_core::Headers;

use crate::trace_context::{B3, InvalidTraceParent, Propagation, TraceParent};

/// The span of the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RemoteParent {
    pub(super) parent: TraceParent,
    /// Whether the caller samples the trace; `None` if it did not decide.
    pub(super) decision: Option<bool>,
    /// The format it came in.
    pub(super) format: Propagation,
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
    pub(super) fn read(headers: &Headers, accepted: &[Propagation]) -> Self {
        let parent = TraceParent::from_headers(headers);
        if let Ok(Some(parent)) = parent {
            let decision = Some(parent.is_sampled());
            let remote = RemoteParent { parent, decision, format: Propagation::W3c };
            return Self { remote: Some(remote), ..Self::default() };
        }
        let accepts_b3 = accepted.contains(&Propagation::B3);
        let b3 = if accepts_b3 { B3::from_headers(headers) } else { None };
        let own = Self { is_invalid: parent == Err(InvalidTraceParent), ..Self::default() };
        match b3 {
            None => own,
            Some(B3::Decision(is_sampled)) => Self { decision: Some(is_sampled), ..own },
            Some(B3::Context { trace_id, span_id, is_sampled }) => {
                let parent = TraceParent::new(trace_id, span_id, is_sampled == Some(true));
                let remote = RemoteParent { parent, decision: is_sampled, format: Propagation::B3 };
                Self { remote: Some(remote), ..own }
            }
        }
    }
}
