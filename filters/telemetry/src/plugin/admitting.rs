//! What the workers of the proxy admit together: values of labels, and series.
//!
//! The keys carry no hash of the configuration: Envoy keeps a series for ever, so that a new
//! configuration must not open a limit anew.

use std::{cell::RefCell, collections::HashMap};

use filter_host::{HostError, metrics::Gauge, property, shared_data};

use crate::{Admission, Direction, Known, Metrics};

/// How often a value that others change as well is tried.
const TRIES: usize = 8;
/// The most series of a proxy, over all metrics.
const MAX_SERIES: u64 = 10_000;

/// The sets that all workers share, as far as this one knows them.
pub(super) struct Shared {
    folder: String,
    total: String,
    sets: RefCell<HashMap<String, Admission>>,
    series: Gauge,
}

impl Shared {
    /// Seeds the keys: an absent one would let every worker win.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let plugin = property::read(&["plugin_name"]).ok().flatten().unwrap_or_default();
        let folder = format!("weir.telemetry.{}", String::from_utf8_lossy(&plugin));
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
        let admission = sets.entry(key.to_owned()).or_insert_with(|| Admission::new(most));
        for _ in 0..TRIES {
            match admission.of(hash) {
                Known::Admitted => return Answer::Known,
                Known::Refused => return Answer::Refused,
                Known::Unknown => {}
            }
            let Ok(Some(seen)) = shared_data::read(key) else { return Answer::Refused };
            admission.learn(&seen.value);
            if admission.of(hash) != Known::Unknown {
                continue;
            }
            if !reserve() {
                return Answer::Refused;
            }
            let grown = Admission::with(&seen.value, hash);
            match shared_data::replace(key, &seen, &grown) {
                Ok(()) => {
                    admission.learn(&grown);
                    return Answer::New;
                }
                Err(HostError::CasMismatch) => {}
                Err(_) => return Answer::Refused,
            }
        }
        Answer::Refused
    }

    /// Changes the count of all series by `offset`; `false` where there are as many as may be.
    fn change_total(&self, offset: i64) -> bool {
        for _ in 0..TRIES {
            let Ok(Some(seen)) = shared_data::read(&self.total) else { return false };
            let total = seen.value.as_slice().try_into().map(u64::from_le_bytes).unwrap_or(0);
            let next = total.checked_add_signed(offset).filter(|next| *next <= MAX_SERIES);
            let Some(next) = next else { return false };
            match shared_data::replace(&self.total, &seen, &next.to_le_bytes()) {
                Ok(()) => {
                    self.series.set(next);
                    return true;
                }
                Err(HostError::CasMismatch) => {}
                Err(_) => return false,
            }
        }
        false
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
    if matches!(shared_data::read(key), Ok(None)) {
        let _ = shared_data::write(key, &[]);
    }
}
