//! One series, defined in the proxy.

use filter_host::{
    metric_buffer::{BufferedMetric, MetricBuffer},
    metrics::{Gauge, Histogram},
};

use crate::{Family, MetricKind, MetricSource, StandardMetric};

/// A defined series.
#[derive(Clone, Copy)]
pub(super) struct Series {
    meter: Meter,
    /// What counts the streams that are here because a limit was reached.
    overflow: Option<BufferedMetric>,
}

#[derive(Clone, Copy)]
enum Meter {
    Counter(BufferedMetric),
    /// How many streams run.
    Running(BufferedMetric),
    /// What a document sets.
    Gauge(Gauge),
    Histogram(Histogram),
}

impl Series {
    pub(super) fn define(family: &Family, name: &str, buffer: &MetricBuffer) -> Self {
        let meter = match family.kind {
            MetricKind::Counter => Meter::Counter(buffer.counter(name)),
            MetricKind::Gauge
                if family.source == MetricSource::Standard(StandardMetric::InFlight) =>
            {
                Meter::Running(buffer.gauge(name))
            }
            MetricKind::Gauge => Meter::Gauge(Gauge::define(name)),
            MetricKind::Histogram => Meter::Histogram(Histogram::define(name)),
        };
        Self { meter, overflow: None }
    }

    pub(super) const fn overflowing(self, counter: BufferedMetric) -> Self {
        Self { overflow: Some(counter), ..self }
    }

    /// Adds, sets or records a number.
    pub(super) fn take(self, value: u64, buffer: &MetricBuffer) {
        match self.meter {
            Meter::Counter(counter) => {
                buffer.add(counter, i64::try_from(value).unwrap_or(i64::MAX))
            }
            Meter::Gauge(gauge) => gauge.set(value),
            Meter::Histogram(histogram) => buffer.record(histogram, value),
            Meter::Running(_) => {}
        }
        self.note_overflow(buffer);
    }

    /// Adds one to the streams that run, and returns what to take the one back from.
    pub(super) fn enter(self, buffer: &MetricBuffer) -> Option<BufferedMetric> {
        let Meter::Running(gauge) = self.meter else { return None };
        buffer.add(gauge, 1);
        self.note_overflow(buffer);
        Some(gauge)
    }

    fn note_overflow(self, buffer: &MetricBuffer) {
        if let Some(counter) = self.overflow {
            buffer.add(counter, 1);
        }
    }
}
