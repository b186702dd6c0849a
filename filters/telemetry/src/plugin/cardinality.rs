//! Limits of label values and series, shared by all workers of the proxy.
//!
//! The keys do not contain a hash of the configuration: Envoy never removes a series, so a new
//! configuration must not reset a limit.

use std::{cell::RefCell, collections::HashMap};

use filter_host::{metrics::Gauge, shared_data};

use crate::{CardinalityLimit, Direction, Lookup, Metrics};

/// Maximum number of series of a proxy, over all metrics.
const MAX_SERIES: u64 = 10_000;

/// This worker's view of the shared limits.
pub(super) struct SharedLimits {
    prefix: String,
    total_key: String,
    limits: RefCell<HashMap<String, CardinalityLimit>>,
    series: Gauge,
}

impl SharedLimits {
    /// Creates the view, and seeds the shared keys as their updates require.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let prefix = shared_data::plugin_key("telemetry");
        let shared = Self {
            total_key: format!("{prefix}.series"),
            prefix,
            limits: RefCell::default(),
            series: Gauge::define("weir_telemetry_series"),
        };
        if metrics.is_labelled {
            shared.seed(metrics);
        }
        shared
    }

    fn seed(&self, metrics: &Metrics) {
        seed(&self.total_key);
        for label in metrics.labels.iter().filter(|label| label.max_values.is_some()) {
            seed(&self.values_key(&label.name));
        }
        let plans = Direction::ALL.into_iter().map(|direction| metrics.plan(direction));
        let families = plans.flat_map(|plan| &plan.groups).flat_map(|group| &group.families);
        families.for_each(|family| seed(&self.series_key(&family.name)));
    }

    fn values_key(&self, label: &str) -> String {
        format!("{}.values.{label}", self.prefix)
    }

    fn series_key(&self, family: &str) -> String {
        format!("{}.series.{family}", self.prefix)
    }

    /// Returns `true` if a label value is within the label's limit, and counts a new one.
    pub(super) fn admits_value(&self, label: &str, max: usize, hash: u64) -> bool {
        self.admit(&self.values_key(label), max, hash, || true) != Admission::Refused
    }

    /// Returns `true` if a series is within the limits of its family and the proxy, and counts a
    /// new one. One series of each family is reserved for overflow.
    pub(super) fn admits_series(&self, family: &str, max: usize, hash: u64) -> bool {
        let mut is_reserved = false;
        let reserve = || {
            is_reserved = is_reserved || self.change_total(1);
            is_reserved
        };
        let key = self.series_key(family);
        let admission = self.admit(&key, max.saturating_sub(1), hash, reserve);
        if is_reserved && admission != Admission::New {
            self.change_total(-1);
        }
        admission != Admission::Refused
    }

    fn admit(
        &self,
        key: &str,
        max: usize,
        hash: u64,
        mut reserve: impl FnMut() -> bool,
    ) -> Admission {
        let mut limits = self.limits.borrow_mut();
        let limit = limits.entry(key.to_owned()).or_insert_with(|| CardinalityLimit::new(max));
        match limit.lookup(hash) {
            Lookup::Admitted => return Admission::Known,
            Lookup::Refused => return Admission::Refused,
            Lookup::Unknown => {}
        }
        let (mut admission, mut new_value) = (Admission::Refused, Vec::new());
        let updated = shared_data::update(key, |shared| {
            limit.merge(shared);
            match limit.lookup(hash) {
                Lookup::Admitted => admission = Admission::Known,
                Lookup::Unknown if reserve() => {
                    new_value = CardinalityLimit::appended(shared, hash);
                    return Some(new_value.clone());
                }
                Lookup::Unknown | Lookup::Refused => admission = Admission::Refused,
            }
            None
        });
        if updated == Ok(true) {
            limit.merge(&new_value);
            admission = Admission::New;
        }
        admission
    }

    /// Changes the number of series by `offset`; returns `false` if the limit is reached.
    fn change_total(&self, offset: i64) -> bool {
        let mut total = 0;
        let updated = shared_data::update(&self.total_key, |shared| {
            let before = shared.try_into().map(u64::from_le_bytes).unwrap_or(0);
            total = before.checked_add_signed(offset).filter(|total| *total <= MAX_SERIES)?;
            Some(total.to_le_bytes().to_vec())
        });
        let is_changed = updated == Ok(true);
        if is_changed {
            self.series.set(total);
        }
        is_changed
    }
}

/// The result of admitting a value or a series.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Admission {
    /// Admitted now.
    New,
    /// Admitted before.
    Known,
    /// The limit is reached, or the update conflicted too often.
    Refused,
}

fn seed(key: &str) {
    if let Err(error) = shared_data::seed(key, &[]) {
        log::error!("{key} not shared: {error:?}");
    }
}
