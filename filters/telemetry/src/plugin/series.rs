//! A metric series that is defined in the proxy.

use filter_host::{
    metric_buffer::{BufferedMetric, MetricBuffer},
    metrics::{Gauge, Histogram},
};

use crate::{Family, MetricKind, MetricSource, StandardMetric};

/// A defined series.
#[derive(Clone, Copy)]
pub(super) struct Series {
    instrument: Instrument,
    /// The overflow counter; `Some` if a limit folded other series into this one.
    overflow: Option<BufferedMetric>,
}

#[derive(Clone, Copy)]
enum Instrument {
    Counter(BufferedMetric),
    /// The number of running streams.
    InFlight(BufferedMetric),
    /// A gauge that the document defines.
    Gauge(Gauge),
    Histogram(Histogram),
}

impl Series {
    pub(super) fn define(family: &Family, name: &str, buffer: &MetricBuffer) -> Self {
        let instrument = match family.kind {
            MetricKind::Counter => Instrument::Counter(buffer.counter(name)),
            MetricKind::Gauge
                if family.source == MetricSource::Standard(StandardMetric::InFlight) =>
            {
                Instrument::InFlight(buffer.gauge(name))
            }
            MetricKind::Gauge => Instrument::Gauge(Gauge::define(name)),
            MetricKind::Histogram => Instrument::Histogram(Histogram::define(name)),
        };
        Self { instrument, overflow: None }
    }

    pub(super) const fn with_overflow(self, counter: BufferedMetric) -> Self {
        Self { overflow: Some(counter), ..self }
    }

    /// Adds, sets or records a value, depending on the instrument.
    pub(super) fn record(self, value: u64, buffer: &MetricBuffer) {
        match self.instrument {
            Instrument::Counter(counter) => {
                buffer.add(counter, i64::try_from(value).unwrap_or(i64::MAX))
            }
            Instrument::Gauge(gauge) => gauge.set(value),
            Instrument::Histogram(histogram) => buffer.record(histogram, value),
            Instrument::InFlight(_) => {}
        }
        self.count_overflow(buffer);
    }

    /// Increments the gauge of running streams, and returns it to decrement it later.
    pub(super) fn enter(self, buffer: &MetricBuffer) -> Option<BufferedMetric> {
        let Instrument::InFlight(gauge) = self.instrument else { return None };
        buffer.add(gauge, 1);
        self.count_overflow(buffer);
        Some(gauge)
    }

    fn count_overflow(self, buffer: &MetricBuffer) {
        if let Some(counter) = self.overflow {
            buffer.add(counter, 1);
        }
    }
}
