//! The metrics of the traffic, defined in the proxy.

use filter_host::metrics::{Counter, Gauge, Histogram};

use crate::{Family, Kind, Plan, Record, Standard, What};

/// A series, defined.
#[derive(Clone, Copy)]
enum Meter {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

/// Every series of a plan without labels.
pub(super) struct Meters {
    series: Vec<Vec<Meter>>,
    in_flight: Option<Gauge>,
}

impl Meters {
    pub(super) fn define(plan: &Plan) -> Self {
        let define = |family: &Family| match family.kind {
            Kind::Counter => Meter::Counter(Counter::define(&family.name)),
            Kind::Gauge => Meter::Gauge(Gauge::define(&family.name)),
            Kind::Histogram => Meter::Histogram(Histogram::define(&family.name)),
        };
        let series: Vec<Vec<Meter>> =
            plan.groups.iter().map(|group| group.families.iter().map(define).collect()).collect();
        let families = plan.groups.iter().flat_map(|group| &group.families);
        let in_flight = families.zip(series.iter().flatten()).find_map(|(family, meter)| {
            let wanted = family.what == What::Standard(Standard::InFlight);
            if let (true, Meter::Gauge(gauge)) = (wanted, meter) { Some(*gauge) } else { None }
        });
        Self { series, in_flight }
    }

    pub(super) const fn in_flight(&self) -> Option<Gauge> {
        self.in_flight
    }

    pub(super) fn record(&self, plan: &Plan, record: &Record, is_error: bool) {
        let families = plan.groups.iter().flat_map(|group| &group.families);
        for (family, meter) in families.zip(self.series.iter().flatten()) {
            if let Some(value) = family.observation(record, is_error) {
                meter.take(value);
            }
        }
    }
}

impl Meter {
    fn take(self, value: u64) {
        match self {
            Self::Counter(counter) => counter.add(u32::try_from(value).unwrap_or(u32::MAX)),
            Self::Gauge(gauge) => gauge.set(value),
            Self::Histogram(histogram) => histogram.record(value),
        }
    }
}
