//! Envoy's counters and gauges.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// A snapshot of Envoy's counters and gauges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats(BTreeMap<String, u64>);

impl Stats {
    /// Parses the response of `/stats?format=json`, without histograms.
    ///
    /// # Errors
    /// If the response has no `stats`.
    pub fn parse(response: &Value) -> Result<Self> {
        let entries = response.get("stats").and_then(Value::as_array).context("no stats")?;
        let pair = |entry: &Value| {
            let name = entry.get("name")?.as_str()?.to_owned();
            Some((name, entry.get("value")?.as_u64()?))
        };
        Ok(Self(entries.iter().filter_map(pair).collect()))
    }

    /// Returns the value of a counter or gauge, 0 if it does not exist.
    pub fn value(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Returns the counters and gauges whose names contain `part`.
    pub fn matching(&self, part: &str) -> BTreeMap<&str, u64> {
        self.0.iter().filter(|(n, _)| n.contains(part)).map(|(n, v)| (n.as_str(), *v)).collect()
    }
}
