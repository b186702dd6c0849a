//! Which trace a stream belongs to, and whether it is reported.

use std::time::Duration;

use filter_core::{Headers, Request};

mod captured;
mod compile;
mod incoming;
mod sampling;
mod span;
mod tags;

pub(crate) use crate::tracing::compile::Surroundings;
pub use crate::tracing::{
    captured::Captured,
    sampling::Threshold,
    span::{Outcome, Seen},
    tags::{Change, Tag, TagSource},
};
use crate::{
    config::{entry::Mode, tracing::RemoteContext},
    direction::Direction,
    expression::Attributes,
    filter::Filter,
    generator::Generator,
    redact::Redaction,
    token_bucket::TokenBucket,
    trace_context::{SpanId, TraceId, TraceParent, TraceState},
    tracing::incoming::{Incoming, Remote},
};

/// Headers that say which trace a request belongs to.
const CONTEXT_HEADERS: [&str; 9] = [
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

/// All entries of `tracing`, made ready.
#[derive(Clone, Debug, Default)]
pub struct Tracing {
    tracers: Vec<Tracer>,
}

/// One entry of `tracing`, made ready.
#[derive(Clone, Debug)]
pub struct Tracer {
    /// The listeners that it is for.
    pub mode: Mode,
    /// The place of its provider; `None` where spans go nowhere.
    pub provider: Option<usize>,
    /// The share of new traces that is reported.
    pub threshold: Threshold,
    /// Shares of some new traces, which stand in place of that one.
    pub sampling: Vec<(Filter, Threshold)>,
    /// Whether spans are made at all.
    pub has_spans: bool,
    /// Whether the context travels on.
    pub propagates: bool,
    /// Whether Istio's names of the workload are said of the resource.
    pub istio_tags: bool,
    /// What is made of a caller's context.
    pub remote_context: RemoteContext,
    /// Whether B3 is read.
    pub accepts_b3: bool,
    /// The most spans of a worker in a second.
    pub spans_per_second: u32,
    /// Further attributes, and changes to those that are there.
    pub tags: Vec<Tag>,
}

/// What a worker keeps for its tracer.
#[derive(Clone, Copy, Debug)]
pub struct Worker {
    /// Names traces and spans.
    pub generator: Generator,
    /// Limits the spans.
    pub bucket: TokenBucket,
}

/// The trace of a stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trace {
    /// The trace.
    pub trace_id: TraceId,
    /// Our span if the stream is reported; else the nearest span that is known.
    pub span_id: SpanId,
    /// Whether the trace is reported, by whomever.
    pub is_sampled: bool,
    /// Whether a span of ours is reported.
    pub is_reported: bool,
    parent: Option<SpanId>,
    flags: u8,
    state: Option<TraceState>,
    link: Option<TraceParent>,
}

/// A change of a request's headers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeaderChange {
    /// Replaces all values.
    Set(&'static str, String),
    /// Removes all values.
    Remove(&'static str),
}

/// What a request's headers led to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Begun {
    /// The stream's trace.
    pub trace: Trace,
    /// Changes to the request, none where nothing has to change: a change lets the proxy choose
    /// the route again.
    pub changes: Vec<HeaderChange>,
    /// Whether the request had a `traceparent` that makes no sense.
    pub traceparent_invalid: bool,
    /// Whether the request had a `tracestate` that makes no sense.
    pub tracestate_invalid: bool,
    /// Whether a span was left out because there were too many.
    pub is_limited: bool,
}

impl Worker {
    /// Begins with random bits, different ones in each worker.
    #[must_use]
    pub const fn new(seed: u64, tracer: &Tracer) -> Self {
        Self { generator: Generator::new(seed), bucket: TokenBucket::new(tracer.spans_per_second) }
    }
}

impl Tracing {
    /// Returns the tracer of listeners of a direction, with its place among all.
    #[must_use]
    pub fn tracer(&self, direction: Direction) -> Option<(usize, &Tracer)> {
        self.tracers.iter().enumerate().find(|(_, tracer)| tracer.mode.fits(direction))
    }

    /// Says whether a tag is hashed.
    #[must_use]
    pub fn hashes(&self) -> bool {
        let tags = self.tracers.iter().flat_map(|tracer| &tracer.tags);
        tags.into_iter().any(|tag| {
            let (Change::Put(_, Some(redaction)) | Change::Redact(redaction)) = tag.change else {
                return false;
            };
            redaction == Redaction::Hash
        })
    }

    /// Returns every filter that may be asked about a request.
    pub fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.tracers.iter().flat_map(|it| it.sampling.iter().map(|(filter, _)| filter))
    }

    /// Returns every tracer, in the order of the document.
    #[must_use]
    pub fn tracers(&self) -> &[Tracer] {
        &self.tracers
    }
}

impl Tracer {
    /// Returns the share of new traces like this one that is reported: that of the first filter
    /// that holds, else the common one.
    #[must_use]
    pub fn share(&self, at: &dyn Attributes, request: &Request) -> Threshold {
        let holds = |(filter, _): &&(Filter, Threshold)| filter.holds(at, request) == Ok(true);
        self.sampling.iter().find(holds).map_or(self.threshold, |(_, threshold)| *threshold)
    }

    /// Decides about a stream by its request's headers.
    ///
    /// `share` says how much of new traces like this one is reported; it is asked only where
    /// nobody has decided before.
    pub fn begin(
        &self,
        headers: &Headers,
        worker: &mut Worker,
        now: Duration,
        share: impl FnOnce() -> Threshold,
    ) -> Begun {
        let incoming = Incoming::read(headers, self.accepts_b3);
        let mut begun = match (incoming.remote, self.remote_context) {
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
        begun.traceparent_invalid = incoming.is_invalid;
        if !self.propagates {
            let present = |name: &&str| headers.first(name).is_some();
            let there = CONTEXT_HEADERS.into_iter().filter(present);
            begun.changes = there.map(HeaderChange::Remove).collect();
        }
        begun
    }

    /// Goes on with the caller's trace.
    fn follow(
        &self,
        remote: Remote,
        headers: &Headers,
        worker: &mut Worker,
        now: Duration,
        share: impl FnOnce() -> Threshold,
    ) -> Begun {
        let parent = remote.parent;
        let is_sampled = remote.decision.unwrap_or_else(|| share().selects(parent.trace_id()));
        let wanted = is_sampled && self.has_spans;
        let is_reported = wanted && worker.bucket.take(now);
        if !is_reported {
            // Nobody behind us may name a span that nobody reports: the context stays as it is.
            let is_new = remote.is_b3 && !wanted;
            let translated = parent.child(parent.span_id(), is_sampled).to_string();
            let change = is_new.then_some(HeaderChange::Set("traceparent", translated));
            let trace = Trace { is_sampled, ..Trace::of(parent.trace_id(), parent.span_id()) };
            let changes = change.into_iter().collect();
            return Begun { is_limited: wanted, ..Begun::of(trace, changes) };
        }
        let span_id = worker.generator.span_id();
        let child = parent.child(span_id, true);
        let mut changes = vec![HeaderChange::Set("traceparent", child.to_string())];
        let state = TraceState::of(headers);
        changes.extend(change_of_state(headers, state.as_ref().ok().and_then(Option::as_ref)));
        let trace = Trace {
            is_sampled,
            is_reported,
            parent: Some(parent.span_id()),
            flags: child.flags(),
            state: state.clone().unwrap_or_default(),
            ..Trace::of(parent.trace_id(), span_id)
        };
        Begun { tracestate_invalid: state.is_err(), ..Begun::of(trace, changes) }
    }

    /// Begins a trace.
    fn start(
        &self,
        link: Option<TraceParent>,
        headers: &Headers,
        worker: &mut Worker,
        now: Duration,
        decide: impl FnOnce(TraceId) -> bool,
    ) -> Begun {
        let (trace_id, span_id) = (worker.generator.trace_id(), worker.generator.span_id());
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
        Begun { is_limited, ..Begun::of(trace, changes) }
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

impl Begun {
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

#[cfg(test)]
mod tests;
