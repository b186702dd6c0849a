//! Starts the trace of a stream, and exports its span.

use std::{cell::RefCell, time::Duration};

use filter_core::{Headers, Redactor};
use filter_host::{
    headers::{self, Map},
    metric_buffer::{BufferedMetric, MetricBuffer},
    property, random,
};

use super::{
    Telemetry, attributes::StreamAttributes, ending::StreamEnd, record, snapshot::RequestSnapshot,
};
use crate::{
    Direction, HeaderChange, Policy, Record, SpanInputs, StreamOutcome, TraceStart, Tracer,
    TracerState,
};

/// The tracers' state of one worker.
pub(super) struct Spans {
    states: RefCell<Vec<TracerState>>,
    counters: Option<Counters>,
}

/// When the trace of a stream starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TraceStage {
    /// At the request headers, which can still be changed.
    Request,
    /// At the end of a stream whose request headers were never seen.
    End,
}

struct Counters {
    limited: BufferedMetric,
    traceparent_invalid: BufferedMetric,
    tracestate_invalid: BufferedMetric,
}

impl Spans {
    pub(super) fn new(policy: &Policy, buffer: &MetricBuffer) -> Self {
        let tracers = policy.exporters().tracing().tracers().iter();
        let states: Vec<_> =
            tracers.map(|tracer| TracerState::new(random::bits(), tracer)).collect();
        let counters = (!states.is_empty()).then(|| Counters::define(buffer));
        Self { states: RefCell::new(states), counters }
    }
}

impl Counters {
    fn define(buffer: &MetricBuffer) -> Self {
        let define = |name| buffer.counter(&format!("weir_telemetry_{name}_total"));
        Self {
            limited: define("spans_limited"),
            traceparent_invalid: define("traceparent_invalid"),
            tracestate_invalid: define("tracestate_invalid"),
        }
    }

    fn count(&self, start: &TraceStart, buffer: &MetricBuffer) {
        let events = [
            (start.is_limited, self.limited),
            (start.traceparent_invalid, self.traceparent_invalid),
            (start.tracestate_invalid, self.tracestate_invalid),
        ];
        let counters = events.into_iter().filter(|(happened, _)| *happened);
        counters.for_each(|(_, counter)| buffer.add(counter, 1));
    }
}

impl Telemetry {
    /// Returns the redactor of log fields and span attributes.
    pub(super) fn redactor(&self) -> &Redactor {
        self.redaction.get(|| self.metrics.expression_failed())
    }

    /// Returns the tracer for the listener's direction, with its index.
    fn tracer(&self) -> Option<(usize, &Tracer)> {
        let tracing = self.policy.exporters().tracing();
        if tracing.tracers().is_empty() {
            return None;
        }
        tracing.tracer(self.metrics.direction())
    }

    /// Starts the trace of a stream, and propagates it if the request can still be changed.
    pub(super) fn start_trace(
        &self,
        snapshot: &mut RequestSnapshot,
        stage: TraceStage,
        now: Duration,
    ) {
        let Some((index, tracer)) = self.tracer() else { return };
        if stage == TraceStage::Request && !snapshot.is_readable {
            // A new trace would replace that of the caller.
            return self.metrics.expression_failed();
        }
        let request = &snapshot.request;
        let attributes = StreamAttributes::of_request(self, snapshot);
        let share =
            || tracer.sampling_threshold(&attributes, request, || self.metrics.expression_failed());
        let mut states = self.spans.states.borrow_mut();
        let Some(state) = states.get_mut(index) else { return };
        let start = tracer.begin(&request.headers, state, self.export.time_at(now), share);
        drop(states);
        if let Some(counters) = &self.spans.counters {
            counters.count(&start, self.metrics.buffer());
        }
        if stage == TraceStage::Request && !self.policy.is_dry_run() {
            let failed = start.changes.iter().filter(|change| !apply(change));
            failed.for_each(|_| self.metrics.expression_failed());
        }
        snapshot.trace = Some(start.trace);
    }

    /// Exports the span of a completed stream, if it has one.
    pub(super) fn export_span(
        &self,
        attributes: &StreamAttributes<'_>,
        record: &Record,
        end: &StreamEnd,
    ) {
        let Some((_, tracer)) = self.tracer() else { return };
        let trace = attributes.trace().filter(|trace| trace.is_reported);
        let (Some(trace), Some(provider)) = (trace, tracer.provider) else { return };
        let max_len = self.policy.exporters().providers().get(provider);
        let max_len = max_len.map_or(256, |provider| provider.max_tag_length);
        let outcome = StreamOutcome {
            record,
            operation: attributes.operation(),
            is_error: attributes.is_error,
            is_client: self.metrics.direction() == Direction::Outbound && !self.export.is_gateway(),
        };
        let inputs = span_inputs(&attributes.snapshot.request.headers, record, end);
        let (span, failures) =
            tracer.span(trace, &inputs, &outcome, attributes, self.redactor(), max_len);
        (0..failures).for_each(|_| self.metrics.expression_failed());
        self.export.enqueue_span(provider, span.encode_item(), end.at);
    }
}

/// Changes a request header; returns `false` if the proxy refuses.
fn apply(change: &HeaderChange) -> bool {
    let (name, changed) = match change {
        HeaderChange::Set(name, value) => {
            (name, headers::set(Map::RequestHeaders, name, value.as_bytes()))
        }
        HeaderChange::Remove(name) => (name, headers::remove(Map::RequestHeaders, name)),
    };
    changed.inspect_err(|error| log::debug!("request header {name} not changed: {error:?}")).is_ok()
}

/// Reads the remaining inputs of a span.
///
/// The start time is computed from the clock, which costs a tenth of reading `request.time`.
fn span_inputs<'a>(headers: &'a Headers, record: &Record, end: &StreamEnd) -> SpanInputs<'a> {
    let text = |path: &[&str]| property::read(path).ok().flatten().unwrap_or_default();
    let flags = if record.may_have_flags() { record::response_flags() } else { None };
    SpanInputs {
        headers,
        began: end.wall().saturating_sub(record.duration),
        source: text(&["source", "address"]),
        protocol: text(&["request", "protocol"]),
        flags: flags.unwrap_or_default(),
        details: text(&["response", "code_details"]),
        cluster: text(&["xds", "cluster_name"]),
    }
}
