//! The visible effects of a scenario, as text.

use std::{collections::BTreeMap, fmt};

use filter_host::{
    headers::Map,
    memory::{Failures, HttpCall, Proxy, StreamState, difference},
};

/// The visible effects of a scenario.
pub(super) struct Outcome {
    pub(super) streams: Vec<StreamState>,
    /// The values of counters and gauges, and the number of values of histograms.
    pub(super) metrics: BTreeMap<String, u64>,
    /// Lines of at least the level `warn`.
    pub(super) log: Vec<String>,
    /// The requests that collectors got.
    pub(super) exports: Vec<HttpCall>,
}

impl Outcome {
    pub(super) fn new(proxy: &Proxy, streams: Vec<StreamState>, exports: Vec<HttpCall>) -> Self {
        let counted = proxy.metrics().into_iter();
        let recorded = proxy.histograms().into_iter();
        let recorded = recorded.map(|(name, values)| (name, values.len() as u64));
        let metrics = counted.chain(recorded);
        let metrics = metrics.map(|(metric, value)| (short(&metric), value)).collect();
        Self { streams, metrics, log: proxy.log(3), exports }
    }

    pub(super) fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or_default()
    }

    /// Returns the sum of all metrics whose name starts with `prefix`.
    pub(super) fn sum(&self, prefix: &str) -> u64 {
        let series = self.metrics.iter().filter(|(name, _)| name.starts_with(prefix));
        series.map(|(_, value)| value).sum()
    }

    /// Returns the effects by name.
    fn facts(&self) -> BTreeMap<String, String> {
        let streams = (1..).zip(&self.streams).flat_map(|(number, stream)| {
            let operation = stream.property("weir.operation").unwrap_or_default();
            [
                ("upstream", written(stream, Map::RequestHeaders)),
                ("client", written(stream, Map::ResponseHeaders)),
                ("filter state", String::from_utf8_lossy(operation).into_owned()),
            ]
            .map(|(part, text)| (format!("{part} {number}"), text))
        });
        let exports = (1..).zip(&self.exports).map(|(number, call)| {
            let streams = numbers(&call.body).join(" ");
            (format!("export {number}"), format!("streams {streams} to {}", call.cluster))
        });
        let metrics = self.metrics.iter().map(|(name, value)| (name.clone(), value.to_string()));
        let log =
            self.log.iter().map(|line| (format!("log: {}", without_name(line)), String::new()));
        let facts = streams.chain(exports).chain(metrics);
        facts.filter(|(_, text)| !text.is_empty()).chain(log).collect()
    }

    /// Returns the effects that differ from `expected`.
    fn difference(&self, expected: &Self) -> String {
        difference(&self.facts(), &expected.facts(), line)
    }
}

/// Returns a fact as a line.
fn line(name: &str, text: &str) -> String {
    if text.is_empty() { name.to_owned() } else { format!("{name}: {text}") }
}

/// Returns a log line without the name of a refused metric, so that similar rows can be one.
fn without_name(line: &str) -> String {
    match line.split_once(" not defined") {
        Some((_, rest)) if line.starts_with("metric ") => format!("metric not defined{rest}"),
        _ => line.to_owned(),
    }
}

/// Returns the name of a metric without its common prefix, and its labels in the usual notation.
fn short(name: &str) -> String {
    let name = name.trim_start_matches("weir_telemetry_");
    match name.split_once('.') {
        Some((family, labels)) => {
            let labels = labels.replace("=.=", "=").replace(";.;.", ",").replace(";.;", "");
            format!("{family}{{{labels}}}")
        }
        None => name.to_owned(),
    }
}

/// Returns the headers of a map that the filter can change.
fn written(stream: &StreamState, map: Map) -> String {
    let names = ["traceparent", "tracestate", "b3", "server-timing", "x-trace-id", "x-request-id"];
    let headers = stream.map(map).only(|name| names.iter().any(|wanted| wanted.as_bytes() == name));
    let line = |(name, value): (&[u8], &[u8])| {
        format!("{}: {}", name.escape_ascii(), value.escape_ascii())
    };
    headers.iter().map(line).collect::<Vec<_>>().join(", ")
}

/// Returns the numbers of the streams in an exported request, whose paths are `/<number>/stream`.
pub(super) fn numbers(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let mut before: Vec<&str> = text.split("/stream").collect();
    before.pop();
    let number = |text: &&str| text.rsplit('/').next().map(str::to_owned);
    before.iter().filter_map(number).collect()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts().iter().try_for_each(|(name, text)| write!(f, "\n- {}", line(name, text)))
    }
}

/// Returns the table of failures with the differences from the outcome without one.
pub(super) fn table(failures: &Failures<Outcome>) -> Failures<String> {
    failures.differences(Outcome::difference)
}
