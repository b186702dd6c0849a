//! Decides about a stream by its request's headers.

use std::time::Duration;

use filter_core::Headers;

use super::{HeaderChange, Threshold, Trace, TraceStart, Tracer, TracerState};
use crate::{
    config::tracing::RemoteContext,
    signals::tracing::incoming::{Incoming, RemoteParent},
    trace_context::{CONTEXT_HEADERS, Propagation, SpanId, TraceId, TraceParent, TraceState},
};

impl Tracer {
    /// Decides about a stream by its request's headers.
    ///
    /// `share` says how much of new traces like this one is reported; it is asked only where
    /// nobody has decided before.
    pub fn begin(
        &self,
        headers: &Headers,
        worker: &mut TracerState,
        now: Duration,
        share: impl FnOnce() -> Threshold,
    ) -> TraceStart {
        let incoming = Incoming::read(headers, self.accepted_formats);
        let mut start = match (incoming.remote, self.remote_context) {
            (Some(remote), RemoteContext::Trust) => {
                self.follow(remote, headers, worker, now, share)
            }
            (remote, _) => {
                let decision = match self.remote_context {
                    RemoteContext::Trust => incoming.decision,
                    RemoteContext::Restart => None,
                };
                let decide = |id| decision.unwrap_or_else(|| share().selects(id));
                let link = remote.map(|remote| remote.parent);
                self.start(link, headers, worker, now, decide)
            }
        };
        start.traceparent_invalid = incoming.is_invalid;
        if !self.propagates {
            let present = |name: &&str| headers.first(name).is_some();
            let there = CONTEXT_HEADERS.into_iter().filter(present);
            start.changes = there.map(HeaderChange::Remove).collect();
        }
        start
    }

    /// Goes on with the caller's trace.
    fn follow(
        &self,
        remote: RemoteParent,
        headers: &Headers,
        worker: &mut TracerState,
        now: Duration,
        share: impl FnOnce() -> Threshold,
    ) -> TraceStart {
        let parent = remote.parent;
        let is_sampled = remote.decision.unwrap_or_else(|| share().selects(parent.trace_id()));
        let wanted = is_sampled && self.has_spans;
        let is_reported = wanted && worker.bucket.take(now);
        if !is_reported {
            // Nobody behind us may name a span that nobody reports: the context stays as it is.
            let is_new = remote.format == Propagation::B3 && !wanted;
            let translated = parent.child(parent.span_id(), is_sampled).to_string();
            let action = is_new.then_some(HeaderChange::Set("traceparent", translated));
            let trace = Trace { is_sampled, ..Trace::of(parent.trace_id(), parent.span_id()) };
            let changes = action.into_iter().collect();
            return TraceStart { is_limited: wanted, ..TraceStart::of(trace, changes) };
        }
        let span_id = SpanId::random(&mut worker.generator);
        let child = parent.child(span_id, true);
        let mut changes = vec![HeaderChange::Set("traceparent", child.to_string())];
        let state = TraceState::from_headers(headers);
        changes.extend(change_of_state(headers, state.as_ref().ok().and_then(Option::as_ref)));
        let trace = Trace {
            is_sampled,
            is_reported,
            parent: Some(parent.span_id()),
            flags: child.flags(),
            state: state.clone().unwrap_or_default(),
            ..Trace::of(parent.trace_id(), span_id)
        };
        TraceStart { tracestate_invalid: state.is_err(), ..TraceStart::of(trace, changes) }
    }

    /// Begins a trace.
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
        changes.extend(change_of_state(headers, None));
        let trace = Trace {
            is_sampled,
            is_reported,
            flags: parent.flags(),
            link: link.filter(|_| is_reported),
            ..Trace::of(trace_id, span_id)
        };
        TraceStart { is_limited, ..TraceStart::of(trace, changes) }
    }
}

/// Returns what makes the request's `tracestate` the wanted one, if it is another.
fn change_of_state(headers: &Headers, wanted: Option<&TraceState>) -> Option<HeaderChange> {
    let mut lines = headers.all("tracestate");
    match (lines.next(), lines.next(), wanted) {
        (None, _, _) => None,
        (Some(only), None, Some(wanted)) if only == wanted.as_str().as_bytes() => None,
        (_, _, Some(wanted)) => Some(HeaderChange::Set("tracestate", wanted.as_str().to_owned())),
        (_, _, None) => Some(HeaderChange::Remove("tracestate")),
    }
}

impl Trace {
    const fn of(trace_id: TraceId, span_id: SpanId) -> Self {
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
    const fn of(trace: Trace, changes: Vec<HeaderChange>) -> Self {
        Self {
            trace,
            changes,
            traceparent_invalid: false,
            tracestate_invalid: false,
            is_limited: false,
        }
    }
}
