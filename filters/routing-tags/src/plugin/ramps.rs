//! What the workers of a pod know together about canaries.

use std::{cell::Cell, collections::BTreeMap, time::SystemTime};

use filter_core::ErrorWindow;
use filter_host::{
    clock,
    metrics::{Counter, Gauge},
    shared_data,
};

use crate::{CanaryGauges, Policy};

/// The canaries of a configuration by the places of their entries.
pub(super) struct Ramps(BTreeMap<usize, Ramp>);

/// One canary's numbers.
struct Ramp {
    name: String,
    /// The key of the guard's count, `None` where nothing guards.
    key: Option<String>,
    weight: Gauge,
    rolled_back: Gauge,
    requests: Counter,
    errors: Counter,
    /// The weight that this worker has shown last.
    shown: Cell<Option<u16>>,
    /// Whether this worker knows of the rollback, which is for good.
    is_over: Cell<bool>,
}

impl Ramps {
    /// Makes gauges and counters, and seeds the counts of guards.
    pub(super) fn new(policy: &Policy, document: &[u8]) -> Self {
        let mut canaries = policy.canaries().peekable();
        if canaries.peek().is_none() {
            return Self(BTreeMap::new());
        }
        let prefix = format!("{}.canary", shared_data::config_key("routing-tags", document));
        Self(canaries.map(|(place, gauges)| (place, Ramp::new(&prefix, place, gauges))).collect())
    }

    /// Says whether a canary was rolled back.
    pub(super) fn is_rolled_back(&self, place: usize) -> bool {
        self.0.get(&place).is_some_and(|ramp| ramp.is_over.get())
    }

    /// Learns of rollbacks by other workers, and shows the weights in force.
    pub(super) fn refresh(&self, policy: &Policy, now: SystemTime) {
        for (place, ramp) in &self.0 {
            ramp.read_rollback();
            ramp.show(policy.canary_weight(*place, now, ramp.is_over.get()));
        }
    }

    /// Counts an answer of a canary.
    pub(super) fn observe(&self, policy: &Policy, place: usize, is_error: bool) {
        let Some(ramp) = self.0.get(&place) else { return };
        ramp.requests.increment();
        if is_error {
            ramp.errors.increment();
        }
        if let Some(key) = &ramp.key {
            ramp.record(policy, place, key, is_error);
        }
    }
}

impl Ramp {
    fn new(prefix: &str, place: usize, names: CanaryGauges) -> Self {
        let key = names.is_guarded.then(|| format!("{prefix}.{place}"));
        let ramp = Self {
            weight: Gauge::define(&names.weight),
            rolled_back: Gauge::define(&names.rolled_back),
            requests: Counter::define(&names.requests),
            errors: Counter::define(&names.errors),
            name: names.entry,
            key,
            shown: Cell::new(None),
            is_over: Cell::new(false),
        };
        ramp.seed();
        ramp
    }

    /// Seeds the guard's count, or reads that of the other workers.
    fn seed(&self) {
        let Some(key) = &self.key else { return };
        if let Err(error) = shared_data::seed(key, &ErrorWindow::default().to_bytes()) {
            log::error!("the canary of {} is not guarded: {error:?}", self.name);
        }
        self.read_rollback();
        self.rolled_back.set(self.is_over.get().into());
    }

    fn show(&self, weight: u16) {
        if self.shown.replace(Some(weight)) != Some(weight) {
            self.weight.set(weight.into());
        }
    }

    /// Reads whether another worker has rolled the canary back.
    fn read_rollback(&self) {
        let Some(key) = self.key.as_deref().filter(|_| !self.is_over.get()) else { return };
        if let Ok(Some(seen)) = shared_data::read(key) {
            self.is_over.set(ErrorWindow::from_bytes(&seen.value).is_tripped());
        }
    }

    /// Counts a response for the guard; skipped if too many workers count at once.
    fn record(&self, policy: &Policy, index: usize, key: &str, is_error: bool) {
        let now = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
        let (mut tripped, mut is_over) = (None, false);
        let updated = shared_data::update(key, |shared| {
            let mut window = ErrorWindow::from_bytes(shared);
            tripped = policy.record(index, &mut window, now, is_error);
            is_over = window.is_tripped();
            Some(window.to_bytes())
        });
        if updated != Ok(true) {
            return;
        }
        self.is_over.set(is_over);
        if let Some((responses, errors)) = tripped {
            self.rolled_back.set(1);
            self.show(policy.canary_weight(index, now, true));
            log::warn!(
                "canary of {} rolled back: {errors} of {responses} answers were errors",
                self.name
            );
        }
    }
}
