//! Tracing: trace context, sampling and spans.

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

/// The compiled entries of `tracing`.
#[derive(Clone, Debug, Default)]
pub struct Tracing {
    tracers: Vec<Tracer>,
}

/// A compiled entry of `tracing`.
#[derive(Clone, Debug)]
pub struct Tracer {
    /// The direction of its listeners.
    pub mode: Mode,
    /// The index of its provider; `None` if there is none.
    pub provider: Option<usize>,
    /// The threshold for sampling new traces.
    pub threshold: Threshold,
    /// Filters with thresholds that replace it.
    pub sampling: Vec<(Filter, Threshold)>,
    /// Whether spans are built.
    pub has_spans: bool,
    /// Whether the trace context is propagated.
    pub propagates: bool,
    /// Whether the resource attributes include Istio's names of the workload.
    pub istio_tags: bool,
    /// The handling of a caller's trace context.
    pub remote_context: RemoteContext,
    /// Header formats in which a caller's context is accepted.
    pub accepted_formats: &'static [Propagation],
    /// Maximum spans per second and worker.
    pub spans_per_second: u32,
    /// Span attributes to add, change or remove.
    pub tags: Vec<Tag>,
}

/// The state of a tracer in a worker.
#[derive(Clone, Copy, Debug)]
pub struct TracerState {
    /// Generates trace and span ids.
    pub generator: Generator,
    /// Limits the rate of spans.
    pub bucket: TokenBucket,
}

/// The trace of a stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trace {
    /// The id of the trace.
    pub trace_id: TraceId,
    /// The id of this proxy's span if it is reported, else of the span in the outgoing
    /// `traceparent`.
    pub span_id: SpanId,
    /// Whether the trace is sampled.
    pub is_sampled: bool,
    /// Whether this proxy reports a span.
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

/// The result of [`Tracer::begin`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceStart {
    /// The trace of the stream.
    pub trace: Trace,
    /// Required changes to the request headers. Empty if possible, because a change makes Envoy
    /// select the route again.
    pub changes: Vec<HeaderChange>,
    /// Whether the request had an invalid `traceparent`.
    pub traceparent_invalid: bool,
    /// Whether the request had an invalid `tracestate`.
    pub tracestate_invalid: bool,
    /// Whether a span was omitted because of the rate limit.
    pub is_limited: bool,
}

impl TracerState {
    /// Creates the state with a random seed, which must differ between workers.
    #[must_use]
    pub const fn new(seed: u64, tracer: &Tracer) -> Self {
        Self { generator: Generator::new(seed), bucket: TokenBucket::new(tracer.spans_per_second) }
    }
}

impl Tracing {
    /// Returns the first tracer for listeners of a direction, with its index.
    #[must_use]
    pub fn tracer(&self, direction: Direction) -> Option<(usize, &Tracer)> {
        self.tracers.iter().enumerate().find(|(_, tracer)| tracer.mode.fits(direction))
    }

    /// Returns `true` if a tag is hashed.
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

    /// Returns the filters of all sampling entries.
    pub fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.tracers.iter().flat_map(|tracer| tracer.sampling.iter().map(|(filter, _)| filter))
    }

    /// Returns all tracers in the order of the document.
    #[must_use]
    pub fn tracers(&self) -> &[Tracer] {
        &self.tracers
    }
}

impl Tracer {
    /// Returns the names of the request headers that it reads.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        let kept = SpanInputs::HEADERS.into_iter().filter(|_| self.has_spans);
        let tags = self.tags.iter().filter_map(Tag::header);
        CONTEXT_HEADERS.into_iter().chain(kept).chain(tags)
    }

    /// Returns the sampling threshold of a new trace: that of the first matching filter, else the
    /// default. A failed filter does not match; `failed` is called for each.
    #[must_use]
    pub fn sampling_threshold(
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
