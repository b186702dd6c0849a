//! Finds out which trace a stream belongs to, and reports its span.

use std::{
    cell::{OnceCell, RefCell},
    time::{Instant, SystemTime},
};

use filter_core::Headers;
use filter_host::{
    clock,
    headers::{self, Map},
    metrics::Counter,
    property, random,
};

use super::{
    Telemetry,
    attributes::{self as stream, View},
    reading, redaction,
};
use crate::{
    Begun, Direction, HeaderChange, Policy, Record, Seen, StreamOutcome, Tracer, TracerState,
    signals::redactor::Redactor,
};

/// What a worker keeps for its tracers.
pub(super) struct Spans {
    workers: RefCell<Vec<TracerState>>,
    counters: Option<Counters>,
    redactor: OnceCell<Option<Redactor>>,
}

/// When a stream's trace is found out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moment {
    /// When the request's headers are at hand, and can be changed.
    Request,
    /// When a stream has ended that was never seen before.
    End,
}

struct Counters {
    limited: Counter,
    traceparent_invalid: Counter,
    tracestate_invalid: Counter,
}

impl Spans {
    pub(super) fn new(policy: &Policy) -> Self {
        let tracing = policy.outlets().tracing();
        if tracing.hashes() && policy.redaction_key().is_none() {
            redaction::seed();
        }
        let tracers = tracing.tracers().iter();
        let workers: Vec<_> = tracers.map(|it| TracerState::new(random::bits(), it)).collect();
        let counters = (!workers.is_empty()).then(Counters::define);
        Self { workers: RefCell::new(workers), counters, redactor: OnceCell::new() }
    }

    fn redactor(&self, policy: &Policy) -> Option<&Redactor> {
        self.redactor.get_or_init(|| redaction::redactor(policy.redaction_key())).as_ref()
    }
}

impl Counters {
    fn define() -> Self {
        let define = |what| Counter::define(&format!("weir_telemetry_{what}_total"));
        Self {
            limited: define("spans_limited"),
            traceparent_invalid: define("traceparent_invalid"),
            tracestate_invalid: define("tracestate_invalid"),
        }
    }

    fn count(&self, begun: &Begun) {
        let counted = [
            (begun.is_limited, self.limited),
            (begun.traceparent_invalid, self.traceparent_invalid),
            (begun.tracestate_invalid, self.tracestate_invalid),
        ];
        counted.into_iter().filter(|(happened, _)| *happened).for_each(|(_, it)| it.increment());
    }
}

impl Telemetry {
    /// Returns the tracer of this worker's streams, with its place.
    fn tracer(&self) -> Option<(usize, &Tracer)> {
        let tracing = self.policy.outlets().tracing();
        if tracing.tracers().is_empty() {
            return None;
        }
        tracing.tracer(self.meters.direction())
    }

    /// Finds the trace of a stream, and passes it on where there is still time.
    pub(super) fn trace(&self, stream: &mut stream::Seen, moment: Moment, now: Instant) {
        let Some((place, tracer)) = self.tracer() else { return };
        let headers = &stream.request.headers;
        let view = View { plugin: self, seen: stream, is_error: false, record: None };
        let failed = || self.meters.expression_failed();
        let share = || tracer.sampling_threshold(&view, &stream.request, failed);
        let mut workers = self.spans.workers.borrow_mut();
        let Some(worker) = workers.get_mut(place) else { return };
        let begun = tracer.begin(headers, worker, self.export.at(now), share);
        drop(workers);
        if let Some(counters) = &self.spans.counters {
            counters.count(&begun);
        }
        if moment == Moment::Request && !self.policy.is_dry_run() {
            let refused = begun.changes.iter().filter(|change| !apply(change));
            refused.for_each(|_| self.meters.expression_failed());
        }
        stream.trace = Some(begun.trace);
    }

    /// Reports the span of a stream that has ended, if it has one.
    pub(super) fn report(&self, view: &View<'_>, record: &Record, ended: Instant) {
        let Some((_, tracer)) = self.tracer() else { return };
        let trace = view.trace().filter(|trace| trace.is_reported);
        let (Some(trace), Some(provider)) = (trace, tracer.provider) else { return };
        let Some(redactor) = self.spans.redactor(&self.policy) else { return };
        let longest = self.policy.outlets().providers().get(provider);
        let longest = longest.map_or(256, |provider| provider.max_tag_length);
        let outcome = StreamOutcome {
            record,
            operation: view.operation(),
            is_error: view.is_error,
            is_client: self.meters.direction() == Direction::Outbound && !self.export.is_gateway(),
        };
        let seen = seen(&view.seen.request.headers, record);
        let (span, failures) = tracer.span(trace, &seen, &outcome, view, redactor, longest);
        (0..failures).for_each(|_| self.meters.expression_failed());
        self.export.span(provider, span.encode_item(), ended);
    }
}

/// Changes a header of the request at hand, and says whether the proxy did so.
fn apply(change: &HeaderChange) -> bool {
    let done = match change {
        HeaderChange::Set(name, value) => headers::set(Map::RequestHeaders, name, value.as_bytes()),
        HeaderChange::Remove(name) => headers::remove(Map::RequestHeaders, name),
    };
    done.inspect_err(|error| log::debug!("a header was not changed: {error:?}")).is_ok()
}

/// Reads what else a span tells.
///
/// The clock costs a tenth of what `request.time` does.
fn seen<'a>(headers: &'a Headers, record: &Record) -> Seen<'a> {
    let text = |path: &[&str]| property::read(path).ok().flatten().unwrap_or_default();
    let now = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
    let ended = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Seen {
        headers,
        began: ended.saturating_sub(record.duration),
        source: text(&["source", "address"]),
        protocol: text(&["request", "protocol"]),
        flags: if record.may_have_flags() { reading::flags() } else { None }.unwrap_or_default(),
        details: text(&["response", "code_details"]),
        cluster: text(&["xds", "cluster_name"]),
    }
}
