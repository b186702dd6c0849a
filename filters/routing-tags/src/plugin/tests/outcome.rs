//! The visible effects of a scenario, as text.

use std::{collections::BTreeMap, fmt};

use filter_host::{
    headers::Map,
    memory::{Failures, Proxy, StreamState, difference},
};

/// The visible effects of a scenario.
pub(super) struct Outcome {
    pub(super) streams: Vec<StreamState>,
    pub(super) metrics: BTreeMap<String, u64>,
    /// Lines of at least the level `warn`.
    pub(super) log: Vec<String>,
}

impl Outcome {
    pub(super) fn new(proxy: &Proxy, streams: Vec<StreamState>) -> Self {
        let name = |name: String| name.trim_start_matches("weir_routing_tags_").to_owned();
        let metrics = proxy.metrics().into_iter().map(|(metric, value)| (name(metric), value));
        Self { streams, metrics: metrics.collect(), log: proxy.log(3) }
    }

    pub(super) fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or_default()
    }

    /// Returns the effects by name.
    fn facts(&self) -> BTreeMap<String, String> {
        let streams = self.streams.iter().enumerate().flat_map(|(index, stream)| {
            let tag = stream.property("weir.tag").unwrap_or_default();
            [
                ("upstream", written(stream, Map::RequestHeaders)),
                ("upstream trailers", written(stream, Map::RequestTrailers)),
                ("client", names(stream)),
                ("filter state", String::from_utf8_lossy(tag).into_owned()),
            ]
            .map(|(part, text)| (format!("{part} {}", index.saturating_add(1)), text))
        });
        let metrics = self.metrics.iter().map(|(name, value)| (name.clone(), value.to_string()));
        let log = ("log".to_owned(), self.log.join("; "));
        streams.chain(metrics).chain([log]).filter(|(_, text)| !text.is_empty()).collect()
    }

    /// Returns the effects that differ from `expected`.
    fn difference(&self, expected: &Self) -> String {
        difference(&self.facts(), &expected.facts(), |name, text| {
            format!("{name}: {}", without_metric(text))
        })
    }
}

/// Returns the headers of a map that the filter can change.
fn written(stream: &StreamState, map: Map) -> String {
    let line = |(name, value): (&[u8], &[u8])| {
        format!("{}: {}", name.escape_ascii(), value.escape_ascii())
    };
    let headers = stream.map(map).only(|name| {
        !name.starts_with(b":") && ![&b"content-type"[..], b"x-weir-explain"].contains(&name)
    });
    let lines: Vec<String> = headers.iter().map(line).collect();
    lines.join(", ")
}

/// Returns the names of the response headers.
fn names(stream: &StreamState) -> String {
    let headers = stream.response();
    let names = headers.iter().map(|(name, _)| name.escape_ascii().to_string());
    names.skip(1).collect::<Vec<_>>().join(", ")
}

/// Returns a text without the name of a refused metric, so that similar rows can be one.
fn without_metric(text: &str) -> String {
    match text.split_once("metric ") {
        Some(("", rest)) => format!("metric{}", rest.trim_start_matches(|letter| letter != ' ')),
        Some(_) | None => text.to_owned(),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts().iter().try_for_each(|(name, text)| write!(f, "\n- {name}: {text}"))
    }
}

/// Returns the table of failures with the differences from the outcome without one.
pub(super) fn table(failures: &Failures<Outcome>) -> Failures<String> {
    failures.differences(Outcome::difference)
}
