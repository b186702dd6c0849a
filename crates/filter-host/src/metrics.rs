//! Counters, gauges and histograms of the proxy.
//!
//! A metric that the proxy refuses to define has no effect: a filter never fails because of a metric.

use crate::hostcalls::{self, MetricKind, Result};

/// A counter.
#[derive(Clone, Copy, Debug)]
pub struct Counter(Option<u32>);

impl Counter {
    /// Defines the counter `name`, or returns the existing one.
    #[must_use]
    pub fn define(name: &str) -> Self {
        Self(define(MetricKind::Counter, name))
    }

    /// Adds one.
    pub fn increment(self) {
        self.add(1);
    }

    /// Adds `count`, at most 2^63 at once.
    pub fn add(self, count: u64) {
        if let Some(id) = self.0 {
            let _ = hostcalls::increment_metric(id, i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// A gauge.
#[derive(Clone, Copy, Debug)]
pub struct Gauge(Option<u32>);

impl Gauge {
    /// Defines the gauge `name`, or returns the existing one.
    #[must_use]
    pub fn define(name: &str) -> Self {
        Self(define(MetricKind::Gauge, name))
    }

    /// Changes the value by `offset`.
    pub fn add(self, offset: i64) {
        if let Some(id) = self.0 {
            let _ = hostcalls::increment_metric(id, offset);
        }
    }

    /// Sets the value.
    pub fn set(self, value: u64) {
        if let Some(id) = self.0 {
            let _ = hostcalls::record_metric(id, value);
        }
    }

    /// Returns the value, over all workers.
    ///
    /// # Errors
    ///
    /// Fails if the metric is not defined.
    pub fn read(self) -> Result<u64> {
        self.0.map_or(Err(hostcalls::HostError::NotFound), hostcalls::metric)
    }
}

/// A histogram.
#[derive(Clone, Copy, Debug)]
pub struct Histogram(Option<u32>);

impl Histogram {
    /// Defines the histogram `name`, or returns the existing one.
    #[must_use]
    pub fn define(name: &str) -> Self {
        Self(define(MetricKind::Histogram, name))
    }

    /// Records one value.
    pub fn record(self, value: u64) {
        if let Some(id) = self.0 {
            let _ = hostcalls::record_metric(id, value);
        }
    }
}

fn define(kind: MetricKind, name: &str) -> Option<u32> {
    hostcalls::define_metric(kind, name)
        .inspect_err(|error| log::warn!("metric {name} not defined: {error:?}"))
        .ok()
}
