//! Scrapes of `/stats/prometheus`.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{envoy::Envoy, process::wait_until};

/// A parsed response of `/stats/prometheus`.
pub(super) struct Scrape {
    text: String,
    samples: Vec<Sample>,
}

struct Sample {
    name: String,
    labels: BTreeSet<String>,
    value: f64,
}

impl Scrape {
    /// Scrapes once.
    pub(super) fn of(envoy: &Envoy) -> Result<Self> {
        let text = envoy.admin().get("/stats/prometheus")?.text();
        let samples = text.lines().filter_map(sample).collect();
        Ok(Self { text, samples })
    }

    /// Scrapes until the samples of a metric add up to `sum`. Workers flush counters five times a
    /// second.
    pub(super) fn when(envoy: &Envoy, name: &str, sum: u64) -> Result<Self> {
        let mut scrape = Self::of(envoy)?;
        wait_until(&format!("counting {sum} in {name}"), Duration::from_secs(10), || {
            scrape = Self::of(envoy)?;
            Ok(scrape.sum(name) == sum)
        })?;
        Ok(scrape)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the value of the sample with exactly these labels, given in Prometheus format.
    pub(super) fn value(&self, name: &str, labels: &str) -> Option<u64> {
        let labels = split(labels);
        let found =
            self.samples.iter().find(|sample| sample.name == name && sample.labels == labels)?;
        Some(found.value as u64)
    }

    /// Returns the sum of all samples with this name.
    pub(super) fn sum(&self, name: &str) -> u64 {
        let samples = self.samples.iter().filter(|sample| sample.name == name);
        samples.map(|sample| sample.value as u64).sum()
    }

    /// Returns the number of samples with this name.
    pub(super) fn series(&self, name: &str) -> usize {
        self.samples.iter().filter(|sample| sample.name == name).count()
    }

    /// Fails if a name with this prefix contains a part of a label.
    pub(super) fn assert_clean(&self, prefix: &str) -> Result<()> {
        for sample in self.samples.iter().filter(|sample| sample.name.starts_with(prefix)) {
            let is_clean = !sample.name.contains("__");
            ensure!(is_clean, "{} has a label in its name", sample.name);
        }
        Ok(())
    }
}

/// Returns the `stats_config` with tag patterns for these labels in plain Envoy.
pub(super) fn stats_tags(labels: &[&str]) -> Value {
    let tag =
        |label: &&str| json!({"tag_name": label, "regex": format!("(\\.{label}=\\.=(.*?);\\.;)")});
    json!({"stats_tags": labels.iter().map(tag).collect::<Vec<_>>()})
}

fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = split(labels.trim_end_matches('}'));
    Some(Sample { name: name.to_owned(), labels, value: value.parse().ok()? })
}

fn split(labels: &str) -> BTreeSet<String> {
    let pairs = labels.split("\",").map(|pair| pair.trim_end_matches('"').to_owned());
    pairs.filter(|pair| !pair.is_empty()).collect()
}
