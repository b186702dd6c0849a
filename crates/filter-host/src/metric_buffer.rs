//! Buffered metrics, which a worker sends to the proxy in batches.
//!
//! The first metric call of a request takes about 0.6 us and each further one 0.3 us; in a batch, a
//! call takes 0.1 us. An addition to the buffer takes almost no time.

use std::{cell::RefCell, rc::Rc, time::Duration};

use crate::{
    metrics::{Counter, Gauge, Histogram},
    timers::{Timer, Timers},
};

/// Number of recorded values at which they are flushed without waiting for a tick.
const MAX_RECORDED: usize = 512;

/// A buffer of changes to counters and gauges, and of values for histograms.
///
/// The buffer starts the timer, and the plugin must call [`MetricBuffer::flush`] in
/// [`Plugin::on_tick`](crate::Plugin::on_tick). Dropping the buffer flushes it; a trap loses the
/// changes of at most one period.
pub struct MetricBuffer {
    period: Duration,
    timer: Timer,
    metrics: RefCell<Vec<PendingMetric>>,
    /// Indices of the changed metrics.
    changed: RefCell<Vec<usize>>,
    recorded: RefCell<Vec<(Histogram, u64)>>,
}

/// A counter or a gauge in a [`MetricBuffer`].
#[derive(Clone, Copy, Debug)]
pub struct BufferedMetric(usize);

struct PendingMetric {
    metric: Metric,
    pending: i64,
    is_changed: bool,
}

#[derive(Clone, Copy)]
enum Metric {
    Counter(Counter),
    Gauge(Gauge),
}

impl MetricBuffer {
    /// Creates a buffer that is flushed every `period` while there are changes.
    #[must_use]
    pub fn new(timers: &Rc<Timers>, period: Duration) -> Self {
        Self {
            period,
            timer: Timer::new(timers),
            metrics: RefCell::default(),
            changed: RefCell::default(),
            recorded: RefCell::default(),
        }
    }

    /// Defines the counter `name`.
    #[must_use]
    pub fn counter(&self, name: &str) -> BufferedMetric {
        self.define(Metric::Counter(Counter::define(name)))
    }

    /// Defines the gauge `name`.
    #[must_use]
    pub fn gauge(&self, name: &str) -> BufferedMetric {
        self.define(Metric::Gauge(Gauge::define(name)))
    }

    /// Adds `offset` to a metric; it must not be negative for a counter.
    pub fn add(&self, metric: BufferedMetric, offset: i64) {
        let mut metrics = self.metrics.borrow_mut();
        let Some(entry) = metrics.get_mut(metric.0) else { return };
        entry.pending = entry.pending.checked_add(offset).unwrap_or_else(|| {
            entry.metric.add(entry.pending);
            offset
        });
        if !entry.is_changed {
            entry.is_changed = true;
            self.changed.borrow_mut().push(metric.0);
        }
        self.ensure_ticking();
    }

    /// Records a value of a histogram.
    pub fn record(&self, histogram: Histogram, value: u64) {
        let mut recorded = self.recorded.borrow_mut();
        recorded.push((histogram, value));
        if recorded.len() >= MAX_RECORDED {
            recorded.drain(..).for_each(|(histogram, value)| histogram.record(value));
        }
        self.ensure_ticking();
    }

    /// Sends all changes to the proxy if it is time; stops the timer if there were none.
    pub fn flush(&self) {
        if self.timer.is_due() && !self.send_changes() {
            // On failure, the next tick tries again.
            let _ = self.timer.stop();
        }
    }

    fn define(&self, metric: Metric) -> BufferedMetric {
        let mut metrics = self.metrics.borrow_mut();
        metrics.push(PendingMetric { metric, pending: 0, is_changed: false });
        BufferedMetric(metrics.len().saturating_sub(1))
    }

    fn ensure_ticking(&self) {
        self.timer.ensure_running(self.period, "metrics are delayed");
    }

    /// Sends all changes to the proxy; returns `true` if there were any.
    fn send_changes(&self) -> bool {
        let (mut metrics, mut changed) = (self.metrics.borrow_mut(), self.changed.borrow_mut());
        let mut recorded = self.recorded.borrow_mut();
        let has_changes = !changed.is_empty() || !recorded.is_empty();
        for index in changed.drain(..) {
            if let Some(entry) = metrics.get_mut(index) {
                entry.metric.add(std::mem::take(&mut entry.pending));
                entry.is_changed = false;
            }
        }
        recorded.drain(..).for_each(|(histogram, value)| histogram.record(value));
        has_changes
    }
}

impl Drop for MetricBuffer {
    fn drop(&mut self) {
        self.send_changes();
    }
}

impl Metric {
    fn add(self, offset: i64) {
        if offset == 0 {
            return;
        }
        match self {
            Self::Counter(counter) => counter.add(u64::try_from(offset).unwrap_or_default()),
            Self::Gauge(gauge) => gauge.add(offset),
        }
    }
}

#[cfg(test)]
mod tests;
