//! Numbers that go up and down, and distributions.

use std::time::Duration;

use filter_host::metrics::{Gauge, Histogram};

use crate::{
    Metric,
    key_source::{Kind, Source},
    metrics::of_provider,
};

/// What is told about keys and waiting requests.
pub(super) struct Gauges {
    pub(super) held: Gauge,
    pub(super) pause: Histogram,
    stale: Gauge,
    /// Of the oldest key set, where the provider is no label.
    age: Option<Gauge>,
    sources: Vec<Told>,
}

/// What is told about one source.
struct Told {
    /// Of its own, where the provider is a label and the source a key set.
    age: Option<Gauge>,
    fetch: Histogram,
}

impl Gauges {
    /// Defines what there is, with the provider as a label if `labels`.
    pub(super) fn define(sources: &[Source], labels: bool) -> Self {
        let name = |name: &str, source: &Source| match labels {
            true => of_provider(name, &source.spec().provider),
            false => name.to_owned(),
        };
        let told = |source: &Source| Told {
            age: (labels && source.spec().kind == Kind::Keys)
                .then(|| Gauge::define(&name(Metric::JWKS_AGE_GAUGE, source))),
            fetch: Histogram::define(&name(Metric::JWKS_FETCH_HISTOGRAM, source)),
        };
        Self {
            held: Gauge::define(Metric::HELD_REQUESTS_GAUGE),
            pause: Histogram::define(Metric::HELD_HISTOGRAM),
            stale: Gauge::define(Metric::JWKS_STALE_GAUGE),
            age: (!labels).then(|| Gauge::define(Metric::JWKS_AGE_GAUGE)),
            sources: sources.iter().map(told).collect(),
        }
    }

    /// Tells how long the fetch of one source took.
    pub(super) fn took(&self, source: usize, time: Duration) {
        if let Some(told) = self.sources.get(source) {
            told.fetch.record(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// Tells the age of key sets, and how many are past their freshness.
    pub(super) fn tell(&self, sources: &[Source], now: Duration) {
        let (mut oldest, mut stale) = (0, 0_u64);
        for (source, told) in sources.iter().zip(&self.sources) {
            let Some((age, is_stale)) = source.age(now) else { continue };
            if source.spec().kind == Kind::Keys {
                oldest = oldest.max(age.as_secs());
                stale = stale.saturating_add(is_stale.into());
            }
            if let Some(gauge) = told.age {
                gauge.set(age.as_secs());
            }
        }
        if let Some(gauge) = self.age {
            gauge.set(oldest);
        }
        self.stale.set(stale);
    }
}
