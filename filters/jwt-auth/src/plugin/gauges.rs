//! Gauges and histograms.

use std::{cell::Cell, time::Duration};

use filter_host::metrics::{DurationHistogram, Gauge};

use crate::{
    Metric,
    key_source::{Kind, Source},
    metrics::of_provider,
};

/// The gauges and histograms of keys and waiting requests.
pub(super) struct Gauges {
    pub(super) waiting: Gauge,
    pub(super) pause: DurationHistogram,
    stale: Gauge,
    /// The age of the oldest key set; `None` with labels.
    age: Option<Gauge>,
    sources: Vec<SourceGauges>,
    /// The second of the last update.
    updated: Cell<u64>,
}

/// The gauge and the histogram of one source.
struct SourceGauges {
    /// The age of the key set; `None` without labels and for deny lists.
    age: Option<Gauge>,
    fetch: DurationHistogram,
}

impl Gauges {
    /// Defines the gauges and histograms; with `labels` the provider is a label.
    pub(super) fn define(sources: &[Source], labels: bool) -> Self {
        let name = |name: &str, source: &Source| match labels {
            true => of_provider(name, &source.spec().provider),
            false => name.to_owned(),
        };
        let define = |source: &Source| SourceGauges {
            age: (labels && source.spec().kind == Kind::Keys)
                .then(|| Gauge::define(&name(Metric::JWKS_AGE_GAUGE, source))),
            fetch: DurationHistogram::define(&name(Metric::JWKS_FETCH_HISTOGRAM, source)),
        };
        Self {
            waiting: Gauge::define(Metric::HELD_REQUESTS_GAUGE),
            pause: DurationHistogram::define(Metric::HELD_HISTOGRAM),
            stale: Gauge::define(Metric::JWKS_STALE_GAUGE),
            age: (!labels).then(|| Gauge::define(Metric::JWKS_AGE_GAUGE)),
            sources: sources.iter().map(define).collect(),
            updated: Cell::default(),
        }
    }

    /// Records the duration of a fetch by a source.
    pub(super) fn record_fetch(&self, source: usize, time: Duration) {
        if let Some(gauges) = self.sources.get(source) {
            gauges.fetch.record(time);
        }
    }

    /// Sets the ages of key sets and the number of stale ones, once a second.
    pub(super) fn update(&self, sources: &[Source], now: Duration) {
        if self.updated.replace(now.as_secs()) == now.as_secs() {
            return;
        }
        let (mut oldest, mut stale) = (0, 0_u64);
        for (source, gauges) in sources.iter().zip(&self.sources) {
            let Some((age, is_stale)) = source.age(now) else { continue };
            if source.spec().kind == Kind::Keys {
                oldest = oldest.max(age.as_secs());
                stale = stale.saturating_add(is_stale.into());
            }
            if let Some(gauge) = gauges.age {
                gauge.set(age.as_secs());
            }
        }
        if let Some(gauge) = self.age {
            gauge.set(oldest);
        }
        self.stale.set(stale);
    }
}
