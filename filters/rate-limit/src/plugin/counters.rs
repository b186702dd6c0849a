//! The metrics of the filter.

use std::{cell::Cell, time::Duration};

use filter_host::{
    Setup,
    metric_buffer::{BufferedMetric, MetricBuffer},
    metrics::Histogram,
};

use crate::{LimitMetric, Metric, Policy};

/// Time between two updates of the proxy's metrics.
const PERIOD: Duration = Duration::from_secs(1);

/// Minimum time between two warnings about evictions.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// All metrics.
pub(super) struct Counters {
    buffer: MetricBuffer,
    /// Indexed by [`Metric::index`].
    totals: Vec<BufferedMetric>,
    /// Indexed by limit, then in the order of [`LimitMetric::ALL`].
    limits: Vec<[BufferedMetric; 2]>,
    waiting: BufferedMetric,
    wait: Histogram,
    service_down: BufferedMetric,
    service: Histogram,
    /// Time of the last warning about evictions.
    warned_at: Cell<Option<Duration>>,
}

impl Counters {
    /// Defines the metrics.
    pub(super) fn define(policy: &Policy, setup: &Setup) -> Self {
        let buffer = MetricBuffer::new(&setup.timers, PERIOD);
        let of_limit = |name: &str| {
            LimitMetric::ALL.map(|metric| buffer.counter(&metric.name(name, policy.has_labels())))
        };
        Self {
            totals: Metric::ALL.iter().map(|metric| buffer.counter(&metric.name())).collect(),
            limits: policy.limits().iter().map(|limit| of_limit(&limit.name)).collect(),
            waiting: buffer.gauge(Metric::WAITING_GAUGE),
            wait: Histogram::define(Metric::WAIT_HISTOGRAM),
            service_down: buffer.gauge(Metric::SERVICE_DOWN_GAUGE),
            service: Histogram::define(Metric::SERVICE_HISTOGRAM),
            warned_at: Cell::new(None),
            buffer,
        }
    }

    /// Increments a counter.
    pub(super) fn count(&self, metric: Metric) {
        self.add(metric, 1);
    }

    /// Adds to a counter.
    pub(super) fn add(&self, metric: Metric, number: u64) {
        if number > 0
            && let Some(counter) = self.totals.get(metric.index())
        {
            self.buffer.add(*counter, i64::try_from(number).unwrap_or(i64::MAX));
        }
    }

    /// Counts a key that lost its count; logs a warning at most once a minute.
    pub(super) fn count_eviction(&self, now: Duration) {
        self.count(Metric::Evictions);
        if self.warned_at.get().is_none_or(|last| now.saturating_sub(last) >= WARNING_INTERVAL) {
            self.warned_at.set(Some(now));
            log::warn!("a page of counts is full, so a key lost its count: raise maxKeys");
        }
    }

    /// Increments a counter of a limit.
    pub(super) fn count_limit(&self, limit: usize, metric: LimitMetric) {
        if let Some([allowed, denied]) = self.limits.get(limit) {
            let counter = match metric {
                LimitMetric::Allowed => allowed,
                LimitMetric::Denied => denied,
            };
            self.buffer.add(*counter, 1);
        }
    }

    /// Changes the number of held requests.
    pub(super) fn add_waiting(&self, offset: i64) {
        self.buffer.add(self.waiting, offset);
    }

    /// Records the time until the turn of a request.
    pub(super) fn record_wait(&self, time: Duration) {
        self.buffer.record(self.wait, u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }

    /// Records the time until the service answered.
    pub(super) fn record_service(&self, time: Duration) {
        self.buffer.record(self.service, u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }

    /// Records that the service went down or came back for this worker.
    pub(super) fn set_service_down(&self, is_down: bool) {
        self.buffer.add(self.service_down, if is_down { 1 } else { -1 });
    }

    /// Sends the changes to the proxy if they are due.
    pub(super) fn flush(&self) {
        self.buffer.flush();
    }
}
