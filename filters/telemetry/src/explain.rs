//! Explains how the filter measures, traces and logs a stream, and why.

use std::collections::BTreeMap;

use filter_core::Request;

use crate::{
    CompletedStream, Direction, MetricKind, Policy, Record, RequestTarget, TracerState,
    expression::Value,
    signals::access_log::{self, AccessLog, LogReason, LoggedStream},
    signals::tracing::{SamplingSource, TraceStart},
};

mod display;
mod series;
mod stream;
#[cfg(test)]
mod tests;

use self::stream::Stream;

/// A stream to explain.
#[derive(Clone, Debug, Default)]
pub struct StreamDescription {
    /// The request. Its headers include the pseudo-headers.
    pub request: Request,
    /// The result. Method and operation are taken from the request.
    pub record: Record,
    /// Further attributes by their names in expressions, such as `response.headers['x-cents']`.
    pub attributes: BTreeMap<String, Value>,
    /// The direction of the listener.
    pub direction: Direction,
    /// Random seed of the ids of a new trace.
    pub seed: u64,
    /// Random number from 0 to 999,999 for the percentages of access logs.
    pub draw: u32,
}

/// How the filter handles a stream. Its `Display` output is meant for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The operation; `None` if the document has no operations.
    pub operation: Option<String>,
    /// Whether the stream is an error.
    pub is_error: bool,
    /// The updates of metric series.
    pub series: Vec<SeriesUpdate>,
    /// The trace; `None` if no entry of `tracing` matches the listener.
    pub tracing: Option<TraceExplanation>,
    /// The decision of each entry of `accessLogging` that matches the listener.
    pub logs: Vec<(LogDestination, LogDecision)>,
    /// Number of expressions that failed or read a missing attribute.
    pub failures: u32,
}

/// An update of a series, without regard to limits on labels and series.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeriesUpdate {
    /// The name of the metric.
    pub name: String,
    /// The kind of the metric.
    pub kind: MetricKind,
    /// The names and values of the labels.
    pub labels: Vec<(String, String)>,
    /// The number; `None` for the gauge of streams in flight.
    pub number: Option<u64>,
}

/// The trace of a stream and the source of its sampling decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceExplanation {
    /// The trace and the changes to the request.
    pub start: TraceStart,
    /// The source of the sampling decision.
    pub sampling_source: SamplingSource,
    /// The provider that receives the span; `None` if no span is reported.
    pub provider: Option<String>,
}

/// The destination of an access log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LogDestination {
    /// The proxy's own log.
    Proxy,
    /// The provider with this name.
    Provider(String),
}

/// The decision of an access log about a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogDecision {
    /// The stream is logged, subject to `maxPerSecond`.
    Logged(LogReason),
    /// The filter does not match.
    Filtered,
    /// The filter fails.
    Failed,
    /// The stream is not sampled by `percentage`.
    NotSampled,
}

impl Policy {
    /// Explains how a new filter instance would handle a stream.
    #[must_use]
    pub fn explain(&self, described: &StreamDescription) -> Explanation {
        let record = self.complete(described);
        let tracing = self.explain_tracing(described, &record);
        let trace = tracing.as_ref().map(|traced| &traced.start.trace);
        let mut failures = 0_u32;
        let mut failed = || failures = failures.saturating_add(1);
        let undecided = Stream::new(self, described, &record, trace, record.is_failed());
        let is_error = self.is_error(&record, &undecided, &mut failed);
        let stream = Stream::new(self, described, &record, trace, is_error);
        let ended =
            CompletedStream { record: &record, attributes: &stream, request: &described.request };
        let measurements = self.measure(&ended, is_error, &mut failed);
        let series = self.series_updates(described.direction, &ended, &measurements, &mut failed);
        let logged = LoggedStream { ended, is_error };
        let matching = self.access_logs().iter().filter(|log| log.fits(described.direction));
        let logs =
            matching.map(|log| (self.destination(log), decision(log, &logged, described.draw)));
        let logs: Vec<_> = logs.collect();
        logs.iter().filter(|(_, decision)| *decision == LogDecision::Failed).for_each(|_| failed());
        let operation = (!self.operations().is_empty()).then(|| stream.operation().to_owned());
        Explanation { operation, is_error, series, tracing, logs, failures }
    }

    /// Adds the method and operation of the request to the record.
    fn complete(&self, described: &StreamDescription) -> Record {
        let header = |name| described.request.headers.first(name).unwrap_or_default();
        let (path, method, host) = (header(":path"), header(":method"), header(":authority"));
        let operation = self.operations().find(&RequestTarget { path, method, host });
        Record { method: crate::Method::from_bytes(method), operation, ..described.record }
    }

    fn explain_tracing(
        &self,
        described: &StreamDescription,
        record: &Record,
    ) -> Option<TraceExplanation> {
        let (_, tracer) = self.exporters().tracing().tracer(described.direction)?;
        let stream = Stream::new(self, described, record, None, false);
        let (headers, request) = (&described.request.headers, &described.request);
        let mut worker = TracerState::new(described.seed, tracer);
        let threshold = || tracer.sampling_threshold(&stream, request, || ());
        let start = tracer.begin(headers, &mut worker, std::time::Duration::ZERO, threshold);
        let sampling_source = tracer.sampling_source(headers, &stream, request);
        let provider = tracer.provider.filter(|_| start.trace.is_reported);
        let provider = provider.and_then(|index| self.provider_name(index));
        Some(TraceExplanation { start, sampling_source, provider })
    }

    fn provider_name(&self, index: usize) -> Option<String> {
        self.exporters().providers().get(index).map(|provider| provider.name.to_string())
    }

    fn destination(&self, log: &AccessLog) -> LogDestination {
        match log.target {
            access_log::LogTarget::Proxy(_) => LogDestination::Proxy,
            access_log::LogTarget::Provider(index) => {
                LogDestination::Provider(self.provider_name(index).unwrap_or_default())
            }
        }
    }
}

fn decision(log: &AccessLog, logged: &LoggedStream<'_>, draw: u32) -> LogDecision {
    match log.selects(logged, draw) {
        Ok(Some(reason)) => return LogDecision::Logged(reason),
        Err(_) => return LogDecision::Failed,
        Ok(None) => {}
    }
    let holds = log.filter().is_none_or(|filter| {
        filter.holds(logged.ended.attributes, logged.ended.request) == Ok(true)
    });
    if holds { LogDecision::NotSampled } else { LogDecision::Filtered }
}
