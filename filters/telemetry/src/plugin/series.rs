//! One series, defined in the proxy.

use filter_host::{
    metrics::{Gauge, Histogram},
    tally::{Tallied, Tally},
};

use crate::{Family, Kind, Standard, What};

/// A defined series.
#[derive(Clone, Copy)]
pub(super) struct Series {
    meter: Meter,
    /// What counts the streams that are here because a limit was reached.
    overflow: Option<Tallied>,
}

#[derive(Clone, Copy)]
enum Meter {
    Counter(Tallied),
    /// How many streams run.
    Running(Tallied),
    /// What a document sets.
    Gauge(Gauge),
    Histogram(Histogram),
}

impl Series {
    pub(super) fn define(family: &Family, name: &str, tally: &Tally) -> Self {
        let meter = match family.kind {
            Kind::Counter => Meter::Counter(tally.counter(name)),
            Kind::Gauge if family.what == What::Standard(Standard::InFlight) => {
                Meter::Running(tally.gauge(name))
            }
            Kind::Gauge => Meter::Gauge(Gauge::define(name)),
            Kind::Histogram => Meter::Histogram(Histogram::define(name)),
        };
        Self { meter, overflow: None }
    }

    pub(super) const fn overflowing(self, counter: Tallied) -> Self {
        Self { overflow: Some(counter), ..self }
    }

    /// Adds, sets or records a number.
    pub(super) fn take(self, value: u64, tally: &Tally) {
        match self.meter {
            Meter::Counter(counter) => tally.add(counter, i64::try_from(value).unwrap_or(i64::MAX)),
            Meter::Gauge(gauge) => gauge.set(value),
            Meter::Histogram(histogram) => tally.record(histogram, value),
            Meter::Running(_) => {}
        }
        self.note_overflow(tally);
    }

    /// Adds one to the streams that run, and returns what to take the one back from.
    pub(super) fn enter(self, tally: &Tally) -> Option<Tallied> {
        let Meter::Running(gauge) = self.meter else { return None };
        tally.add(gauge, 1);
        self.note_overflow(tally);
        Some(gauge)
    }

    fn note_overflow(self, tally: &Tally) {
        if let Some(counter) = self.overflow {
            tally.add(counter, 1);
        }
    }
}
