//! The visible effects of a scenario, as text.

use std::{collections::BTreeMap, fmt};

use filter_host::memory::{FailedCall, Failures, HostCall, Proxy};

use super::exchange::Fate;

/// The visible effects of a scenario.
pub(super) struct Outcome {
    pub(super) fates: Vec<(&'static str, Fate)>,
    pub(super) metrics: BTreeMap<String, u64>,
    /// Lines of at least the level `warn`.
    pub(super) log: Vec<String>,
    /// The bytes of pages of requests at once that are still counted.
    pub(super) active_keys: usize,
}

impl Outcome {
    /// Describes the proxy after all workers have ended.
    pub(super) fn new(proxy: &Proxy, fates: Vec<(&'static str, Fate)>) -> Self {
        let metrics = proxy
            .metrics()
            .into_iter()
            .map(|(name, value)| (name.trim_start_matches("weir_rate_limit_").to_owned(), value));
        let log = proxy.log(3).into_iter().filter(|line| !line.contains(".key: is written by"));
        let pages = proxy.shared_keys().into_iter().filter_map(|key| proxy.shared(&key));
        Self {
            fates,
            metrics: metrics.collect(),
            log: log.collect(),
            active_keys: pages.map(|page| active(&page)).sum(),
        }
    }

    pub(super) fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or_default()
    }

    fn facts(&self) -> BTreeMap<String, String> {
        let fates = self.fates.iter().map(|(name, fate)| ((*name).to_owned(), fate.to_string()));
        let metrics = self.metrics.iter().map(|(name, value)| (name.clone(), value.to_string()));
        let log = ("log".to_owned(), self.log.join("; "));
        fates.chain(metrics).chain([log]).filter(|(_, text)| !text.is_empty()).collect()
    }

    /// Returns the effects that differ from `expected`.
    fn difference(&self, expected: &Self) -> String {
        let (facts, expected) = (self.facts(), expected.facts());
        let gone = expected.keys().filter(|name| !facts.contains_key(*name));
        let gone = gone.map(|name| format!("no {name}"));
        let changed = facts.iter().filter(|(name, text)| expected.get(*name) != Some(text));
        let changed = changed.map(|(name, text)| format!("{name}: {text}"));
        let all: Vec<String> = gone.chain(changed).collect();
        if all.is_empty() { "no effect".to_owned() } else { all.join("<br>") }
    }
}

/// Returns the number of keys with active requests of a page; 0 for pages of other kinds.
fn active(page: &[u8]) -> usize {
    let entries = page.strip_prefix(&[1, 4]).unwrap_or_default();
    entries.chunks_exact(12).filter(|entry| entry[8..] != [0; 4]).count()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts().iter().try_for_each(|(name, text)| write!(f, "\n- {name}: {text}"))
    }
}

/// Returns the table of failures with the differences from the outcome without one.
///
/// Definitions of metrics are left out, as each only loses its metric, and so are equal rows.
pub(super) fn table(failures: &Failures<Outcome>) -> Failures<String> {
    let Failures { expected, calls } = failures;
    let mut rows: Vec<FailedCall<String>> = Vec::new();
    for FailedCall { call, error, outcome } in calls {
        let argument = call.argument.strip_prefix("weir.rate-limit.test.");
        let argument = argument.map(|key| key.split('.').next().unwrap_or_default());
        let argument = argument.unwrap_or(&call.argument).to_owned();
        let call = HostCall { argument, ..call.clone() };
        let row = FailedCall { call, error: *error, outcome: outcome.difference(expected) };
        let is_equal = |other: &FailedCall<String>| {
            (&other.call, other.error, &other.outcome) == (&row.call, row.error, &row.outcome)
        };
        if row.call.name != "define_metric" && !rows.iter().any(is_equal) {
            rows.push(row);
        }
    }
    Failures { expected: expected.to_string(), calls: rows }
}
