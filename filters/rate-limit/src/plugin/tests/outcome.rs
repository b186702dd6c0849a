//! The visible effects of a scenario, as text.

use std::{collections::BTreeMap, fmt};

use filter_host::memory::{Failures, Proxy, difference};

use super::exchange::Fate;

/// The visible effects of a scenario.
pub(super) struct Outcome {
    pub(super) fates: Vec<(&'static str, Fate)>,
    pub(super) metrics: BTreeMap<String, u64>,
    /// Lines of at least the level `warn`.
    pub(super) log: Vec<String>,
    /// Number of keys whose concurrent requests are still counted.
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
        difference(&self.facts(), &expected.facts(), |name, text| format!("{name}: {text}"))
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
pub(super) fn table(failures: &Failures<Outcome>) -> Failures<String> {
    let argument = |argument: &str| {
        let key = argument.strip_prefix("weir.rate-limit.test.");
        let limit = key.map(|key| key.split('.').next().unwrap_or_default());
        limit.unwrap_or(argument).to_owned()
    };
    failures.distinct_differences(argument, Outcome::difference)
}
