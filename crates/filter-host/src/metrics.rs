//! Counters, gauges and histograms of the proxy.
//!
//! A metric that the proxy refuses to define is ignored, so that a filter never fails because of
//! it.

use std::time::Duration;

use crate::{
    host_error::{HostError, Result},
    sys::{self, MetricKind},
};

/// A monotonic counter.
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

    /// Adds `count`, at most 2^63 - 1 at once.
    pub fn add(self, count: u64) {
        if let Some(id) = self.0 {
            let _ = sys::increment_metric(id, i64::try_from(count).unwrap_or(i64::MAX));
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
            let _ = sys::increment_metric(id, offset);
        }
    }

    /// Changes the value by `offset`.
    ///
    /// # Errors
    ///
    /// Fails if the metric is not defined, or the proxy refuses the change.
    pub fn try_add(self, offset: i64) -> Result<()> {
        self.0.map_or(Err(HostError::NotFound), |id| sys::increment_metric(id, offset))
    }

    /// Sets the value.
    pub fn set(self, value: u64) {
        if let Some(id) = self.0 {
            let _ = sys::record_metric(id, value);
        }
    }

    /// Returns the value, which all workers share.
    ///
    /// # Errors
    ///
    /// Fails if the metric is not defined.
    pub fn read(self) -> Result<u64> {
        self.0.map_or(Err(HostError::NotFound), sys::metric)
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

    /// Records a value.
    pub fn record(self, value: u64) {
        if let Some(id) = self.0 {
            let _ = sys::record_metric(id, value);
        }
    }
}

/// A histogram of durations in milliseconds, whose name ends in `_ms`.
#[derive(Clone, Copy, Debug)]
pub struct DurationHistogram(Histogram);

impl DurationHistogram {
    /// Defines the histogram `name`, or returns the existing one.
    #[must_use]
    pub fn define(name: &str) -> Self {
        Self(Histogram::define(name))
    }

    /// Records one duration, rounded down to milliseconds.
    pub fn record(self, duration: Duration) {
        self.0.record(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    }
}

fn define(kind: MetricKind, name: &str) -> Option<u32> {
    sys::define_metric(kind, name)
        .inspect_err(|error| log::warn!("metric {name} not defined: {error:?}"))
        .ok()
}
