//! What a Prometheus would scrape.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{envoy::Envoy, process::wait_until};

/// The answer of `/stats/prometheus`.
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
    pub(super) fn of(envoy: &Envoy) -> Result<Self> {
        let text = envoy.admin().get("/stats/prometheus")?.text();
        let samples = text.lines().filter_map(sample).collect();
        Ok(Self { text, samples })
    }

    /// Scrapes until a metric's samples add up to `sum`: workers hand over what they count five
    /// times a second.
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

    /// The value of the sample with exactly these labels, written as Prometheus does.
    pub(super) fn value(&self, name: &str, labels: &str) -> Option<u64> {
        let labels = split(labels);
        let found = self.samples.iter().find(|it| it.name == name && it.labels == labels)?;
        Some(found.value as u64)
    }

    /// The sum over all samples of that name.
    pub(super) fn sum(&self, name: &str) -> u64 {
        self.samples.iter().filter(|it| it.name == name).map(|it| it.value as u64).sum()
    }

    /// How many samples have that name.
    pub(super) fn series(&self, name: &str) -> usize {
        self.samples.iter().filter(|it| it.name == name).count()
    }

    /// Fails when a name that begins with `prefix` still holds a part of a label.
    pub(super) fn assert_clean(&self, prefix: &str) -> Result<()> {
        for sample in self.samples.iter().filter(|it| it.name.starts_with(prefix)) {
            let is_clean = !sample.name.contains("__");
            ensure!(is_clean, "{} has a label in its name", sample.name);
        }
        Ok(())
    }
}

/// The patterns that split these labels off, as a plain Envoy wants them.
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
