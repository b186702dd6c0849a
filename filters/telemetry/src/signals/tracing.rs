//! Which trace a stream belongs to, and whether it is reported.

use filter_core::{Generator, Request, TokenBucket};

mod compile;
mod decide;
mod incoming;
mod sampling;
mod sampling_source;
mod span;
mod tags;

pub(crate) use crate::signals::tracing::compile::CompileContext;
pub use crate::signals::tracing::{
    sampling::Threshold,
    sampling_source::SamplingSource,
    span::{SpanInputs, StreamOutcome},
    tags::{Tag, TagAction, TagSource},
};
use crate::{
    config::{Redaction, entry::Mode, tracing::RemoteContext},
    expression::Attributes,
    signals::filter::Filter,
    stream::direction::Direction,
    trace_context::{CONTEXT_HEADERS, Propagation, SpanId, TraceId, TraceParent, TraceState},
};

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
    /// Header formats in which a caller's context is accepted.
    pub accepted_formats: &'static [Propagation],
    /// The most spans of a worker in a second.
    pub spans_per_second: u32,
    /// Further attributes, and changes to those that are there.
    pub tags: Vec<Tag>,
}

/// What a worker keeps for its tracer.
#[derive(Clone, Copy, Debug)]
pub struct TracerState {
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
pub struct TraceStart {
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

impl TracerState {
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
            let (TagAction::Put(_, Some(redaction)) | TagAction::Redact(redaction)) = tag.action
            else {
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
    /// Returns the request's headers that are read for it, by name.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        let kept = SpanInputs::HEADERS.into_iter().filter(|_| self.has_spans);
        let tags = self.tags.iter().filter_map(Tag::header);
        CONTEXT_HEADERS.into_iter().chain(kept).chain(tags)
    }

    /// Returns the share of new traces like this one that is reported: that of the first filter
    /// that holds, else the common one. A filter that fails does not hold, and `failed` is told.
    #[must_use]
    pub fn share(
        &self,
        at: &dyn Attributes,
        request: &Request,
        mut failed: impl FnMut(),
    ) -> Threshold {
        let holds = |(filter, _): &&(Filter, Threshold)| {
            filter.holds(at, request).unwrap_or_else(|_| {
                failed();
                false
            })
        };
        self.sampling.iter().find(holds).map_or(self.threshold, |(_, threshold)| *threshold)
    }
}

#[cfg(test)]
mod tests;
