//! Limits of label values and series, shared by all workers of the proxy.
//!
//! The keys do not contain a hash of the configuration: Envoy never removes a series, so a new
//! configuration must not reset a limit.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use filter_host::{HostError, metrics::Gauge, shared_data};

use crate::{CardinalityLimit, Lookup, Metrics};

/// Maximum number of series of a proxy, over all metrics.
const MAX_SERIES: u64 = 10_000;
/// Maximum attempts to set the gauge while other workers change the number.
const MAX_REPORTS: usize = 8;

/// This worker's view of the shared limits.
pub(super) struct SharedLimits {
    prefix: String,
    total_key: String,
    limits: RefCell<HashMap<String, CardinalityLimit>>,
    /// `None` without labels, as the number of series is then constant.
    series: Option<Gauge>,
    /// Whether this worker changed the number of series since it last set the gauge.
    is_changed: Cell<bool>,
}

impl SharedLimits {
    pub(super) fn new(metrics: &Metrics, plugin_key: &str) -> Self {
        Self {
            prefix: plugin_key.to_owned(),
            total_key: format!("{plugin_key}.series"),
            limits: RefCell::default(),
            series: metrics.is_labelled.then(|| Gauge::define("weir_telemetry_series")),
            is_changed: Cell::new(false),
        }
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
        let updated = update(key, |shared| {
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
        let updated = update(&self.total_key, |shared| {
            let total = total(shared).checked_add_signed(offset);
            total.filter(|total| *total <= MAX_SERIES).map(|total| total.to_le_bytes().to_vec())
        });
        let is_changed = updated == Ok(true);
        self.is_changed.set(self.is_changed.get() || is_changed);
        is_changed
    }

    /// Sets the gauge to the number of series, if this worker changed it.
    pub(super) fn report(&self) {
        let Some(gauge) = self.series.filter(|_| self.is_changed.take()) else { return };
        let mut reported = None;
        // The last worker to set the gauge has read the number again after that.
        for _ in 0..MAX_REPORTS {
            let Ok(Some(shared)) = shared_data::read(&self.total_key) else {
                return self.is_changed.set(true);
            };
            let total = total(&shared.value);
            if reported.replace(total) == Some(total) {
                return;
            }
            gauge.set(total);
        }
    }
}

impl Drop for SharedLimits {
    fn drop(&mut self) {
        self.report();
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

/// Decodes the number of series.
fn total(shared: &[u8]) -> u64 {
    shared.try_into().map(u64::from_le_bytes).unwrap_or(0)
}

/// Updates a shared value, which the first worker of the proxy creates.
fn update(key: &str, mut next: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> filter_host::Result<bool> {
    match shared_data::update(key, &mut next) {
        Err(HostError::NotFound) => {
            shared_data::seed(key, &[])?;
            shared_data::update(key, next)
        }
        updated => updated,
    }
}
