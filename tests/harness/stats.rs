//! Envoy's counters and gauges.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// A reading of Envoy's counters and gauges by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats(BTreeMap<String, u64>);

impl Stats {
    /// Reads the answer of `/stats?format=json`; histograms are left out.
    ///
    /// # Errors
    /// When the answer is not Envoy's.
    pub fn parse(answer: &Value) -> Result<Self> {
        let entries = answer.get("stats").and_then(Value::as_array).context("no stats")?;
        let pair = |entry: &Value| {
            let name = entry.get("name")?.as_str()?.to_owned();
            Some((name, entry.get("value")?.as_u64()?))
        };
        Ok(Self(entries.iter().filter_map(pair).collect()))
    }

    /// The value of `name`; 0 when Envoy has not heard of it.
    pub fn value(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// The values whose names hold `part`.
    pub fn holding(&self, part: &str) -> BTreeMap<&str, u64> {
        self.0.iter().filter(|(n, _)| n.contains(part)).map(|(n, v)| (n.as_str(), *v)).collect()
    }
}
