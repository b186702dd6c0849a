//! What the workers of the proxy admit together: values of labels, and series.
//!
//! The keys carry no hash of the configuration: Envoy keeps a series for ever, so that a new
//! configuration must not open a limit anew.

use std::{cell::RefCell, collections::HashMap};

use filter_host::{metrics::Gauge, shared_data};

use crate::{CardinalityLimit, Direction, Lookup, Metrics};

/// The most series of a proxy, over all metrics.
const MAX_SERIES: u64 = 10_000;

/// The sets that all workers share, as far as this one knows them.
pub(super) struct Shared {
    folder: String,
    total: String,
    sets: RefCell<HashMap<String, CardinalityLimit>>,
    series: Gauge,
}

impl Shared {
    /// Seeds the keys: an absent one would let every worker win.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let folder = shared_data::plugin_key("telemetry");
        let shared = Self {
            total: format!("{folder}.series"),
            folder,
            sets: RefCell::default(),
            series: Gauge::define("weir_telemetry_series"),
        };
        if metrics.is_labelled {
            shared.seed(metrics);
        }
        shared
    }

    fn seed(&self, metrics: &Metrics) {
        seed(&self.total);
        for label in metrics.labels.iter().filter(|label| label.max_values.is_some()) {
            seed(&self.values_key(&label.name));
        }
        let plans = Direction::ALL.into_iter().map(|direction| metrics.plan(direction));
        let families = plans.flat_map(|plan| &plan.groups).flat_map(|group| &group.families);
        families.for_each(|family| seed(&self.series_key(&family.name)));
    }

    fn values_key(&self, label: &str) -> String {
        format!("{}.values.{label}", self.folder)
    }

    fn series_key(&self, family: &str) -> String {
        format!("{}.series.{family}", self.folder)
    }

    /// Says whether a value of a label may stand in names.
    pub(super) fn admits_value(&self, label: &str, most: usize, hash: u64) -> bool {
        self.admit(&self.values_key(label), most, hash, || true) != Answer::Refused
    }

    /// Says whether a series of a family may be defined, beside the one for everything beyond.
    pub(super) fn admits_series(&self, family: &str, most: usize, hash: u64) -> bool {
        let mut is_reserved = false;
        let reserve = || {
            is_reserved = is_reserved || self.change_total(1);
            is_reserved
        };
        let key = self.series_key(family);
        let answer = self.admit(&key, most.saturating_sub(1), hash, reserve);
        if is_reserved && answer != Answer::New {
            self.change_total(-1);
        }
        answer != Answer::Refused
    }

    fn admit(
        &self,
        key: &str,
        most: usize,
        hash: u64,
        mut reserve: impl FnMut() -> bool,
    ) -> Answer {
        let mut sets = self.sets.borrow_mut();
        let admission = sets.entry(key.to_owned()).or_insert_with(|| CardinalityLimit::new(most));
        match admission.lookup(hash) {
            Lookup::Admitted => return Answer::Known,
            Lookup::Refused => return Answer::Refused,
            Lookup::Unknown => {}
        }
        let (mut answer, mut grown) = (Answer::Refused, Vec::new());
        let updated = shared_data::update(key, |shared| {
            admission.merge(shared);
            match admission.lookup(hash) {
                Lookup::Admitted => answer = Answer::Known,
                Lookup::Unknown if reserve() => {
                    grown = CardinalityLimit::appended(shared, hash);
                    return Some(grown.clone());
                }
                Lookup::Unknown | Lookup::Refused => answer = Answer::Refused,
            }
            None
        });
        if updated == Ok(true) {
            admission.merge(&grown);
            answer = Answer::New;
        }
        answer
    }

    /// Changes the number of series by `offset`; returns `false` if the limit is reached.
    fn change_total(&self, offset: i64) -> bool {
        let mut total = 0;
        let updated = shared_data::update(&self.total, |shared| {
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

/// What became of a value or a series.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Answer {
    /// It was admitted now.
    New,
    /// It was admitted before.
    Known,
    /// There are as many as may be, or too many workers asked at once.
    Refused,
}

fn seed(key: &str) {
    if let Err(error) = shared_data::seed(key, &[]) {
        log::error!("{key} not shared: {error:?}");
    }
}
