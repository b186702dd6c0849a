//! Limits on concurrent requests.

use filter_host::{HostError, Result, metrics::Gauge, property, shared_data};

use super::counts::Counts;
use crate::{
    PlannedDraw, Policy,
    active::{self, Acquired},
    metrics::active_gauge,
};

/// Maximum number of attempts to remove a request, each with up to 8 writes.
const MAX_RELEASES: usize = 1_000;

/// The gauges of limits without a key, which are one number for all workers and configurations.
pub(super) struct Concurrency {
    /// Indexed by limit; `None` if it has a key, or the proxy rejects the gauge.
    gauges: Vec<Option<Gauge>>,
}

/// The result of counting a request.
pub(super) enum Slot {
    /// The request is counted; holds the number of further requests.
    Taken(u64),
    /// There are as many as the limit admits.
    Full,
    /// The request is admitted, but not counted.
    Untracked,
}

impl Concurrency {
    /// Defines the gauges.
    pub(super) fn define(policy: &Policy) -> Self {
        let plugin = property::read(&["plugin_name"]).ok().flatten().unwrap_or_default();
        let plugin = String::from_utf8_lossy(&plugin);
        let gauge = |limit: &crate::Limit| {
            let is_single = limit.concurrent().is_some() && !limit.is_keyed();
            let gauge = is_single.then(|| Gauge::define(&active_gauge(&plugin, &limit.name)))?;
            is_counting(gauge).then_some(gauge)
        };
        Self { gauges: policy.limits().iter().map(gauge).collect() }
    }

    /// Counts a request, unless `max` are active.
    pub(super) fn acquire(&self, counts: &Counts, draw: &PlannedDraw, max: u64) -> Result<Slot> {
        if let Some(gauge) = self.gauge(draw) {
            gauge.try_add(1)?;
            return match gauge.read() {
                Ok(active) if active <= max => Ok(Slot::Taken(max.saturating_sub(active))),
                Ok(_) => {
                    release_gauge(gauge);
                    Ok(Slot::Full)
                }
                Err(error) => {
                    release_gauge(gauge);
                    Err(error)
                }
            };
        }
        let mut slot = Slot::Untracked;
        let key = counts.page_key(draw);
        let mut acquire = |page: &[u8]| {
            let mut page = page.to_vec();
            slot = match active::acquire(&mut page, draw.key, max) {
                Acquired::Counted(remaining) => Slot::Taken(remaining),
                Acquired::Refused => Slot::Full,
                Acquired::Untracked => Slot::Untracked,
            };
            matches!(slot, Slot::Taken(_)).then_some(page)
        };
        let mut updated = shared_data::update(&key, &mut acquire);
        if updated == Err(HostError::NotFound) {
            // The page could not be created with the configuration.
            shared_data::seed(&key, &[])?;
            updated = shared_data::update(&key, &mut acquire);
        }
        match updated {
            Err(HostError::CasMismatch) => Ok(Slot::Untracked),
            updated => updated.map(|_| slot),
        }
    }

    /// Removes a request that was counted.
    pub(super) fn release(&self, counts: &Counts, draw: &PlannedDraw) {
        if let Some(gauge) = self.gauge(draw) {
            release_gauge(gauge);
            return;
        }
        let key = counts.page_key(draw);
        // Retry almost indefinitely: a missed decrement would leak a slot for good.
        for _ in 0..MAX_RELEASES {
            let released = shared_data::update(&key, |page| {
                let mut page = page.to_vec();
                // A page of another kind, of a new configuration, must not be overwritten.
                active::release(&mut page, draw.key).then_some(page)
            });
            if released.is_ok() {
                return;
            }
        }
    }

    fn gauge(&self, draw: &PlannedDraw) -> Option<Gauge> {
        self.gauges.get(draw.limit).copied().flatten()
    }
}

/// Removes a request; retries for the same reason.
fn release_gauge(gauge: Gauge) {
    let _ = (0..MAX_RELEASES).find(|_| gauge.try_add(-1).is_ok());
}

/// Returns `true` if a gauge counts: one that `stats_matcher` rejects always reads 0.
fn is_counting(gauge: Gauge) -> bool {
    if gauge.try_add(1).is_err() {
        return false;
    }
    let is_counting = gauge.read().is_ok_and(|value| value > 0);
    release_gauge(gauge);
    is_counting
}
