//! The decision about the trace of a stream.

use std::time::Duration;

use filter_core::Headers;

use super::{HeaderChange, Threshold, Trace, TraceStart, Tracer, TracerState};
use crate::{
    config::tracing::RemoteContext,
    signals::tracing::incoming::{Incoming, RemoteParent},
    trace_context::{CONTEXT_HEADERS, Propagation, SpanId, TraceId, TraceParent, TraceState},
};

impl Tracer {
    /// Decides about the trace of a stream by its request headers.
    ///
    /// `threshold` returns the sampling threshold of the trace. It is called only if the caller
    /// made no decision.
    pub fn begin(
        &self,
        headers: &Headers,
        worker: &mut TracerState,
        now: Duration,
        threshold: impl FnOnce() -> Threshold,
    ) -> TraceStart {
        let incoming = Incoming::read(headers, self.accepted_formats);
        let mut start = match (incoming.remote, self.remote_context) {
            (Some(remote), RemoteContext::Trust) => {
                self.follow(remote, headers, worker, now, threshold)
            }
            (remote, _) => {
                let decision = match self.remote_context {
                    RemoteContext::Trust => incoming.decision,
                    RemoteContext::Restart => None,
                };
                let decide = |id| decision.unwrap_or_else(|| threshold().selects(id));
                let link = remote.map(|remote| remote.parent);
                self.start(link, headers, worker, now, decide)
            }
        };
        start.traceparent_invalid = incoming.is_invalid;
        if !self.propagates {
            let present = |name: &&str| headers.first(name).is_some();
            let found = CONTEXT_HEADERS.into_iter().filter(present);
            start.changes = found.map(HeaderChange::Remove).collect();
        }
        start
    }

    /// Continues the caller's trace.
    fn follow(
        &self,
        remote: RemoteParent,
        headers: &Headers,
        worker: &mut TracerState,
        now: Duration,
        threshold: impl FnOnce() -> Threshold,
    ) -> TraceStart {
        let parent = remote.parent;
        let is_sampled = remote.decision.unwrap_or_else(|| threshold().selects(parent.trace_id()));
        let is_wanted = is_sampled && self.has_spans;
        let is_reported = is_wanted && worker.bucket.take(now);
        if !is_reported {
            // The context stays unchanged, so that no span of the application has an unreported
            // parent.
            let is_new = remote.format == Propagation::B3 && !is_wanted;
            let translated = parent.child(parent.span_id(), is_sampled).to_string();
            let change = is_new.then_some(HeaderChange::Set("traceparent", translated));
            let trace = Trace { is_sampled, ..Trace::new(parent.trace_id(), parent.span_id()) };
            let changes = change.into_iter().collect();
            return TraceStart { is_limited: is_wanted, ..TraceStart::new(trace, changes) };
        }
        let span_id = SpanId::random(&mut worker.generator);
        let child = parent.child(span_id, true);
        let mut changes = vec![HeaderChange::Set("traceparent", child.to_string())];
        let state = TraceState::from_headers(headers);
        changes.extend(tracestate_change(headers, state.as_ref().ok().and_then(Option::as_ref)));
        let trace = Trace {
            is_sampled,
            is_reported,
            parent: Some(parent.span_id()),
            flags: child.flags(),
            state: state.clone().unwrap_or_default(),
            ..Trace::new(parent.trace_id(), span_id)
        };
        TraceStart { tracestate_invalid: state.is_err(), ..TraceStart::new(trace, changes) }
    }

    /// Starts a new trace.
    fn start(
        &self,
        link: Option<TraceParent>,
        headers: &Headers,
        worker: &mut TracerState,
        now: Duration,
        decide: impl FnOnce(TraceId) -> bool,
    ) -> TraceStart {
        let (trace_id, span_id) =
            (TraceId::random(&mut worker.generator), SpanId::random(&mut worker.generator));
        let is_wanted = decide(trace_id);
        let is_limited = is_wanted && self.has_spans && !worker.bucket.take(now);
        let is_sampled = is_wanted && !is_limited;
        let is_reported = is_sampled && self.has_spans;
        let parent = TraceParent::new(trace_id, span_id, is_sampled);
        let mut changes = vec![HeaderChange::Set("traceparent", parent.to_string())];
        changes.extend(tracestate_change(headers, None));
        let trace = Trace {
            is_sampled,
            is_reported,
            flags: parent.flags(),
            link: link.filter(|_| is_reported),
            ..Trace::new(trace_id, span_id)
        };
        TraceStart { is_limited, ..TraceStart::new(trace, changes) }
    }
}

/// Returns the change that sets `tracestate` to `state`, if one is needed.
fn tracestate_change(headers: &Headers, state: Option<&TraceState>) -> Option<HeaderChange> {
    let mut lines = headers.all("tracestate");
    match (lines.next(), lines.next(), state) {
        (None, _, _) => None,
        (Some(only), None, Some(state)) if only == state.as_str().as_bytes() => None,
        (_, _, Some(state)) => Some(HeaderChange::Set("tracestate", state.as_str().to_owned())),
        (_, _, None) => Some(HeaderChange::Remove("tracestate")),
    }
}

impl Trace {
    const fn new(trace_id: TraceId, span_id: SpanId) -> Self {
        Self {
            trace_id,
            span_id,
            is_sampled: false,
            is_reported: false,
            parent: None,
            flags: 0,
            state: None,
            link: None,
        }
    }
}

impl TraceStart {
    const fn new(trace: Trace, changes: Vec<HeaderChange>) -> Self {
        Self {
            trace,
            changes,
            traceparent_invalid: false,
            tracestate_invalid: false,
            is_limited: false,
        }
    }
}
