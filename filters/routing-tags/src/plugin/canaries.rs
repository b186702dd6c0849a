//! The state of canaries, which all workers of the pod share.

use std::{cell::Cell, collections::BTreeMap, time::SystemTime};

use filter_core::ErrorWindow;
use filter_host::{
    Result, clock,
    metric_buffer::{BufferedMetric, MetricBuffer},
    metrics::Gauge,
    shared_data,
};

use crate::{CanaryMetrics, Policy};

/// The canaries of a configuration.
pub(super) struct Canaries {
    /// By the index of their entry.
    states: BTreeMap<usize, CanaryState>,
    /// `true` if a request was decided since the last refresh.
    ///
    /// The gauges are then reported again: a previous configuration, whose last streams have yet to
    /// end, has gauges with the same names.
    is_in_use: Cell<bool>,
}

/// The state of a canary.
struct CanaryState {
    name: String,
    /// Key of the guard's error window in shared data; `None` without a guard.
    key: Option<String>,
    weight: Gauge,
    rolled_back: Gauge,
    requests: BufferedMetric,
    errors: BufferedMetric,
    /// The weight and the rollback that this worker has last reported in the gauges.
    reported: Cell<Option<(u16, bool)>>,
    /// `true` once this worker has seen the rollback, which is permanent.
    is_rolled_back: Cell<bool>,
}

impl Canaries {
    /// Defines the metrics, and creates the error windows of guards.
    pub(super) fn new(policy: &Policy, document: &[u8], buffer: &MetricBuffer) -> Self {
        let mut canaries = policy.canaries().peekable();
        if canaries.peek().is_none() {
            return Self { states: BTreeMap::new(), is_in_use: Cell::new(false) };
        }
        let prefix = format!("{}.canary", shared_data::config_key("routing-tags", document));
        let state = |(index, names)| {
            let key = format!("{prefix}.{index}");
            (index, CanaryState::new(key, names, buffer))
        };
        Self { states: canaries.map(state).collect(), is_in_use: Cell::new(false) }
    }

    /// Returns `true` if the canary of this entry was rolled back, for the decision about a request.
    pub(super) fn is_rolled_back(&self, index: usize) -> bool {
        self.is_in_use.set(true);
        self.states.get(&index).is_some_and(|canary| canary.is_rolled_back.get())
    }

    /// Reads rollbacks by other workers, and updates the gauges if the time is known.
    pub(super) fn refresh(&self, policy: &Policy, now: Option<SystemTime>) {
        let is_in_use = self.is_in_use.replace(false);
        for (index, canary) in &self.states {
            canary.read_rollback();
            if let Some(now) = now {
                canary.report(policy, *index, now, is_in_use);
            }
        }
    }

    /// Counts a response to a request with the canary's tag.
    pub(super) fn observe(
        &self,
        policy: &Policy,
        buffer: &MetricBuffer,
        index: usize,
        is_error: bool,
    ) {
        let Some(canary) = self.states.get(&index) else { return };
        buffer.add(canary.requests, 1);
        if is_error {
            buffer.add(canary.errors, 1);
        }
        if let Some(key) = &canary.key {
            canary.record(policy, index, key, is_error);
        }
    }
}

impl CanaryState {
    fn new(key: String, names: CanaryMetrics, buffer: &MetricBuffer) -> Self {
        Self {
            weight: Gauge::define(&names.weight),
            rolled_back: Gauge::define(&names.rolled_back),
            requests: buffer.counter(&names.requests),
            errors: buffer.counter(&names.errors),
            key: names.has_guard.then_some(key),
            name: names.entry,
            reported: Cell::new(None),
            is_rolled_back: Cell::new(false),
        }
    }

    /// Updates the gauges if the weight or the rollback have changed, or if `is_forced`.
    fn report(&self, policy: &Policy, index: usize, now: SystemTime, is_forced: bool) {
        let is_rolled_back = self.is_rolled_back.get();
        let weight = policy.canary_weight(index, now, is_rolled_back);
        let state = Some((weight, is_rolled_back));
        if self.reported.replace(state) == state && !is_forced {
            return;
        }
        self.weight.set(weight.into());
        if self.key.is_some() {
            self.rolled_back.set(is_rolled_back.into());
        }
    }

    /// Reads whether another worker has rolled the canary back, and creates a missing error window.
    fn read_rollback(&self) {
        let Some(key) = self.key.as_deref().filter(|_| !self.is_rolled_back.get()) else { return };
        match read_or_create(key) {
            Ok(window) => self.is_rolled_back.set(window.is_tripped()),
            Err(error) => log::error!("cannot read the guard of {}: {error:?}", self.name),
        }
    }

    /// Counts a response for the guard; skipped if too many workers count at once.
    fn record(&self, policy: &Policy, index: usize, key: &str, is_error: bool) {
        // Another time would discard counts of the window.
        let Ok(now) = clock::now() else { return };
        let (mut tripped, mut is_rolled_back) = (None, false);
        let updated = shared_data::update(key, |shared| {
            let mut window = ErrorWindow::from_bytes(shared);
            tripped = policy.record(index, &mut window, now, is_error);
            is_rolled_back = window.is_tripped();
            Some(window.to_bytes())
        });
        if updated != Ok(true) || !is_rolled_back || self.is_rolled_back.replace(true) {
            return;
        }
        self.report(policy, index, now, false);
        if let Some((responses, errors)) = tripped {
            log::warn!(
                "canary of {} rolled back: {errors} of {responses} responses were errors",
                self.name
            );
        }
    }
}

/// Reads an error window, or creates an empty one.
fn read_or_create(key: &str) -> Result<ErrorWindow> {
    if let Some(shared) = shared_data::read(key)? {
        return Ok(ErrorWindow::from_bytes(&shared.value));
    }
    let window = ErrorWindow::default();
    shared_data::seed(key, &window.to_bytes())?;
    Ok(window)
}
