//! Formats explanations as text.

use std::fmt::{self, Display, Formatter};

use super::{Explanation, LogDecision, LogDestination, SeriesUpdate, TraceExplanation};
use crate::{
    MetricKind, signals::access_log::LogReason, signals::tracing::SamplingSource,
    trace_context::Propagation,
};

impl Display for Explanation {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.operation {
            writeln!(out, "operation {operation}")?;
        }
        writeln!(out, "{}", if self.is_error { "an error" } else { "no error" })?;
        self.series.iter().try_for_each(|update| writeln!(out, "{update}"))?;
        match &self.tracing {
            Some(traced) => writeln!(out, "{traced}")?,
            None => writeln!(out, "no trace: no entry of tracing matches this listener")?,
        }
        for (destination, decision) in &self.logs {
            writeln!(out, "{destination}: {decision}")?;
        }
        if self.logs.is_empty() {
            writeln!(out, "no log: no entry of accessLogging matches this listener")?;
        }
        write!(out, "expressions that failed or read a missing attribute: {}", self.failures)
    }
}

impl Display for SeriesUpdate {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        if !self.labels.is_empty() {
            let pair = |(name, value): &(String, String)| format!("{name}=\"{value}\"");
            let labels: Vec<_> = self.labels.iter().map(pair).collect();
            write!(out, "{{{}}}", labels.join(","))?;
        }
        match (self.number, self.kind) {
            (None, _) => write!(out, " +1 while in flight"),
            (Some(number), MetricKind::Counter) => write!(out, " +{number}"),
            (Some(number), MetricKind::Gauge) => write!(out, " is set to {number}"),
            (Some(number), MetricKind::Histogram) => write!(out, " records {number}"),
        }
    }
}

impl Display for TraceExplanation {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { start, sampling_source, provider } = self;
        if start.traceparent_invalid {
            writeln!(out, "the caller's traceparent is invalid, so a new trace starts")?;
        }
        if start.tracestate_invalid {
            writeln!(out, "the caller's tracestate is invalid and removed")?;
        }
        let is = if start.trace.is_sampled { "is sampled" } else { "is not sampled" };
        write!(
            out,
            "trace {} {is}: {}",
            start.trace.trace_id,
            reason(*sampling_source, start.trace.is_sampled)
        )?;
        match provider {
            Some(provider) => write!(out, "; span {} goes to {provider}", start.trace.span_id),
            None => write!(out, "; no span"),
        }
    }
}

/// Returns the reason of a sampling decision.
fn reason(sampling_source: SamplingSource, is_sampled: bool) -> String {
    let side = if is_sampled { "below" } else { "not below" };
    let threshold =
        |of: &str| format!("the low 56 bits of its id are {side} the threshold of {of}");
    match sampling_source {
        SamplingSource::Caller(Propagation::W3c) => {
            "decided by the caller's traceparent".to_owned()
        }
        SamplingSource::Caller(Propagation::B3) => "decided by the caller's B3 headers".to_owned(),
        SamplingSource::Filter(index) => threshold(&format!("sampling[{index}]")),
        SamplingSource::Percentage => threshold("randomSamplingPercentage"),
    }
}

impl Display for LogDestination {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proxy => out.write_str("proxy log"),
            Self::Provider(name) => write!(out, "log records for {name}"),
        }
    }
}

impl Display for LogDecision {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Logged(LogReason::Always) => {
                "logged as an error or a slow stream, unless maxPerSecond is used up"
            }
            Self::Logged(LogReason::Sampled) => "logged, unless maxPerSecond is used up",
            Self::Filtered => "not logged: the filter does not match",
            Self::Failed => "not logged: the filter failed or read a missing attribute",
            Self::NotSampled => "not logged: not sampled by percentage",
        })
    }
}
