//! The state of canaries, which all workers of the pod share.

use std::{cell::Cell, collections::BTreeMap, time::SystemTime};

use filter_core::ErrorWindow;
use filter_host::{
    clock,
    metrics::{Counter, Gauge},
    shared_data,
};

use crate::{CanaryMetrics, Policy};

/// The canaries of a configuration, by the index of their entry.
pub(super) struct Canaries(BTreeMap<usize, CanaryState>);

/// The state of a canary.
struct CanaryState {
    name: String,
    /// Key of the guard's error window in shared data; `None` without a guard.
    key: Option<String>,
    weight: Gauge,
    rolled_back: Gauge,
    requests: Counter,
    errors: Counter,
    /// Last value of the weight gauge that this worker has set.
    reported_weight: Cell<Option<u16>>,
    /// `true` once this worker has seen the rollback, which is permanent.
    is_rolled_back: Cell<bool>,
}

impl Canaries {
    /// Defines the metrics, and creates the error windows of guards.
    pub(super) fn new(policy: &Policy, document: &[u8]) -> Self {
        let mut canaries = policy.canaries().peekable();
        if canaries.peek().is_none() {
            return Self(BTreeMap::new());
        }
        let prefix = format!("{}.canary", shared_data::config_key("routing-tags", document));
        let state = |(index, names)| (index, CanaryState::new(&prefix, index, names));
        Self(canaries.map(state).collect())
    }

    /// Returns `true` if the canary of this entry was rolled back.
    pub(super) fn is_rolled_back(&self, index: usize) -> bool {
        self.0.get(&index).is_some_and(|canary| canary.is_rolled_back.get())
    }

    /// Reads rollbacks by other workers, and updates the weight gauges.
    pub(super) fn refresh(&self, policy: &Policy, now: SystemTime) {
        for (index, canary) in &self.0 {
            canary.read_rollback();
            canary.report(policy.canary_weight(*index, now, canary.is_rolled_back.get()));
        }
    }

    /// Counts a response to a request with the canary's tag.
    pub(super) fn observe(&self, policy: &Policy, index: usize, is_error: bool) {
        let Some(canary) = self.0.get(&index) else { return };
        canary.requests.increment();
        if is_error {
            canary.errors.increment();
        }
        if let Some(key) = &canary.key {
            canary.record(policy, index, key, is_error);
        }
    }
}

impl CanaryState {
    fn new(prefix: &str, index: usize, names: CanaryMetrics) -> Self {
        let key = names.has_guard.then(|| format!("{prefix}.{index}"));
        let canary = Self {
            weight: Gauge::define(&names.weight),
            rolled_back: Gauge::define(&names.rolled_back),
            requests: Counter::define(&names.requests),
            errors: Counter::define(&names.errors),
            name: names.entry,
            key,
            reported_weight: Cell::new(None),
            is_rolled_back: Cell::new(false),
        };
        canary.seed();
        canary
    }

    /// Creates the guard's error window, or reads the existing one.
    fn seed(&self) {
        let Some(key) = &self.key else { return };
        if let Err(error) = shared_data::seed(key, &ErrorWindow::default().to_bytes()) {
            log::error!("the canary of {} has no guard: {error:?}", self.name);
        }
        self.read_rollback();
        self.rolled_back.set(self.is_rolled_back.get().into());
    }

    fn report(&self, weight: u16) {
        if self.reported_weight.replace(Some(weight)) != Some(weight) {
            self.weight.set(weight.into());
        }
    }

    /// Reads whether another worker has rolled the canary back.
    fn read_rollback(&self) {
        let Some(key) = self.key.as_deref().filter(|_| !self.is_rolled_back.get()) else { return };
        if let Ok(Some(window)) = shared_data::read(key) {
            self.is_rolled_back.set(ErrorWindow::from_bytes(&window.value).is_tripped());
        }
    }

    /// Counts a response for the guard; skipped if too many workers count at once.
    fn record(&self, policy: &Policy, index: usize, key: &str, is_error: bool) {
        let now = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
        let (mut tripped, mut is_rolled_back) = (None, false);
        let updated = shared_data::update(key, |shared| {
            let mut window = ErrorWindow::from_bytes(shared);
            tripped = policy.record(index, &mut window, now, is_error);
            is_rolled_back = window.is_tripped();
            Some(window.to_bytes())
        });
        if updated != Ok(true) {
            return;
        }
        self.is_rolled_back.set(is_rolled_back);
        if let Some((responses, errors)) = tripped {
            self.rolled_back.set(1);
            self.report(policy.canary_weight(index, now, true));
            log::warn!(
                "canary of {} rolled back: {errors} of {responses} responses were errors",
                self.name
            );
        }
    }
}
