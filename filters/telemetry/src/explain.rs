//! Why a stream counts where it counts, and is traced and logged or not.

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

/// A stream in the words of whoever asks about it.
#[derive(Clone, Debug, Default)]
pub struct StreamDescription {
    /// The request, its pseudo-headers among its headers.
    pub request: Request,
    /// How it went; method and operation are those of the request.
    pub record: Record,
    /// Further attributes, by their names in expressions: `response.headers['x-cents']`.
    pub attributes: BTreeMap<String, Value>,
    /// Where the listener stands.
    pub direction: Direction,
    /// Random bits, from which a new trace gets its number.
    pub seed: u64,
    /// A draw from 0 to 999,999, by which shares of access logs are decided.
    pub draw: u32,
}

/// What becomes of a stream, to be read by people.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Its operation; absent where the document has none.
    pub operation: Option<String>,
    /// Whether it is an error.
    pub is_error: bool,
    /// What it adds to which series.
    pub series: Vec<SeriesUpdate>,
    /// Its trace; absent where no entry of `tracing` is for the listener.
    pub tracing: Option<TraceExplanation>,
    /// What becomes of it in each entry of `accessLogging` that is for the listener.
    pub logs: Vec<(LogDestination, LogDecision)>,
    /// How often an expression failed, or an attribute was missing.
    pub failures: u32,
}

/// What is added to one series; limits of labels are left out of account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeriesUpdate {
    /// The metric.
    pub name: String,
    /// What kind of metric it is.
    pub kind: MetricKind,
    /// Its labels and their values.
    pub labels: Vec<(String, String)>,
    /// The number; absent for a gauge that counts the stream while it runs.
    pub number: Option<u64>,
}

/// The trace of a stream, and who decided about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceExplanation {
    /// What was decided.
    pub start: TraceStart,
    /// Who decided it.
    pub sampling_source: SamplingSource,
    /// The provider that gets the span; absent where none is made.
    pub provider: Option<String>,
}

/// Where a log goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LogDestination {
    /// To the proxy's own log.
    Proxy,
    /// To the provider of this name.
    Provider(String),
}

/// What becomes of a stream in an access log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogDecision {
    /// It is logged, as far as `maxPerSecond` allows.
    Logged(LogReason),
    /// The filter does not hold.
    Filtered,
    /// The filter fails.
    Failed,
    /// It is not in the share.
    NotSampled,
}

impl Policy {
    /// Explains what the filter does with such a stream, when nothing was counted before.
    #[must_use]
    pub fn explain(&self, described: &StreamDescription) -> Explanation {
        let record = self.complete(described);
        let tracing = self.explain_tracing(described, &record);
        let trace = tracing.as_ref().map(|traced| &traced.start.trace);
        let mut failures = 0_u32;
        let mut failed = || failures = failures.saturating_add(1);
        let unjudged = Stream::new(self, described, &record, trace, record.is_failed());
        let is_error = self.is_error(&record, &unjudged, &mut failed);
        let stream = Stream::new(self, described, &record, trace, is_error);
        let ended =
            CompletedStream { record: &record, attributes: &stream, request: &described.request };
        let measurements = self.measure(&ended, is_error, &mut failed);
        let series = self.series_updates(described.direction, &ended, &measurements, &mut failed);
        let logged = LoggedStream { ended, is_error };
        let fitting = self.access_logs().iter().filter(|log| log.fits(described.direction));
        let logs =
            fitting.map(|log| (self.destination(log), decision(log, &logged, described.draw)));
        let logs: Vec<_> = logs.collect();
        logs.iter().filter(|(_, decision)| *decision == LogDecision::Failed).for_each(|_| failed());
        let operation = (!self.operations().is_empty()).then(|| stream.operation().to_owned());
        Explanation { operation, is_error, series, tracing, logs, failures }
    }

    /// Adds to a record what the request says.
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
        let share = || tracer.share(&stream, request, || ());
        let start = tracer.begin(headers, &mut worker, std::time::Duration::ZERO, share);
        let sampling_source = tracer.sampling_source(headers, &stream, request);
        let provider = tracer.provider.filter(|_| start.trace.is_reported);
        let provider = provider.and_then(|place| self.provider_name(place));
        Some(TraceExplanation { start, sampling_source, provider })
    }

    fn provider_name(&self, place: usize) -> Option<String> {
        self.exporters().providers().get(place).map(|provider| provider.name.to_string())
    }

    fn destination(&self, log: &AccessLog) -> LogDestination {
        match log.target {
            access_log::LogTarget::Proxy(_) => LogDestination::Proxy,
            access_log::LogTarget::Provider(place) => {
                LogDestination::Provider(self.provider_name(place).unwrap_or_default())
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
