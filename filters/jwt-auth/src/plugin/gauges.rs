//! Numbers that go up and down, and distributions.

use filter_host::metrics::{Gauge, Histogram};

use crate::Metric;

/// What is told about keys and waiting requests.
pub(super) struct Gauges {
    pub(super) held: Gauge,
    pub(super) age: Gauge,
    pub(super) stale: Gauge,
    pub(super) fetch: Histogram,
    pub(super) pause: Histogram,
}

impl Gauges {
    pub(super) fn define() -> Self {
        Self {
            held: Gauge::define(Metric::HELD_REQUESTS_GAUGE),
            age: Gauge::define(Metric::JWKS_AGE_GAUGE),
            stale: Gauge::define(Metric::JWKS_STALE_GAUGE),
            fetch: Histogram::define(Metric::JWKS_FETCH_HISTOGRAM),
            pause: Histogram::define(Metric::HELD_HISTOGRAM),
        }
    }
}
