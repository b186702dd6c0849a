//! One series, defined in the proxy.

use filter_host::metrics::{Counter, Gauge, Histogram};

use crate::Kind;

/// A defined series.
#[derive(Clone, Copy)]
pub(super) struct Series {
    meter: Meter,
    /// What counts the streams that are here because a limit was reached.
    overflow: Option<Counter>,
}

#[derive(Clone, Copy)]
enum Meter {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

impl Series {
    pub(super) fn define(kind: Kind, name: &str) -> Self {
        let meter = match kind {
            Kind::Counter => Meter::Counter(Counter::define(name)),
            Kind::Gauge => Meter::Gauge(Gauge::define(name)),
            Kind::Histogram => Meter::Histogram(Histogram::define(name)),
        };
        Self { meter, overflow: None }
    }

    pub(super) const fn overflowing(self, counter: Counter) -> Self {
        Self { overflow: Some(counter), ..self }
    }

    /// Adds, sets or records a number.
    pub(super) fn take(self, value: u64) {
        match self.meter {
            Meter::Counter(counter) => counter.add(value),
            Meter::Gauge(gauge) => gauge.set(value),
            Meter::Histogram(histogram) => histogram.record(value),
        }
        if let Some(counter) = self.overflow {
            counter.increment();
        }
    }

    /// Adds one to a gauge, and returns it so that the one can be taken back.
    pub(super) fn enter(self) -> Option<Gauge> {
        let Meter::Gauge(gauge) = self.meter else { return None };
        gauge.add(1);
        if let Some(counter) = self.overflow {
            counter.increment();
        }
        Some(gauge)
    }
}
