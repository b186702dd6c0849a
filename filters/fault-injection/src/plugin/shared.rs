//! State that all workers of the pod share: active faults, the token bucket, the guard, schedules.

use std::cell::Cell;

use filter_core::{ErrorCounts, ErrorWindow, TokenBucket};
use filter_host::{HostError, Result, clock, shared_data};

use crate::{Metric, Plan, Policy, ScheduleTransition, Slots};

/// Maximum number of attempts to decrement the active faults, each of up to 8 writes.
const MAX_RELEASES: usize = 1_000;

/// The keys of the shared data of one configuration.
pub(super) struct Shared {
    active: String,
    budget: String,
    guard: String,
    schedules: String,
    /// `true` once this worker has seen the automatic stop, which has no end.
    has_stopped: Cell<bool>,
}

impl Shared {
    /// Creates the keys and their initial values; `schedules` is the current schedule state.
    pub(super) fn new(policy: &Policy, document: &[u8], schedules: &[u8]) -> Self {
        let prefix = shared_data::config_key("fault-injection", document);
        let key = |name: &str| format!("{prefix}.{name}");
        let shared = Self {
            active: key("active"),
            budget: key("budget"),
            guard: key("guard"),
            schedules: key("schedules"),
            has_stopped: Cell::new(false),
        };
        for (key, value, is_used) in [
            (&shared.active, &[][..], !policy.is_idle() && !policy.is_dry_run()),
            (&shared.budget, &[], policy.max_faults_per_second().is_some()),
            (&shared.guard, &[], policy.guard().is_some()),
            (&shared.schedules, schedules, policy.has_schedules()),
        ] {
            if is_used && let Err(error) = shared_data::seed(key, value) {
                log::error!("cannot create shared data {key}: {error:?}");
            }
        }
        shared
    }

    /// Applies the limits to a plan. Returns the counter of the limit that it exceeds.
    pub(super) fn exceeded_limit(&self, policy: &Policy, plan: &Plan) -> Result<Option<Metric>> {
        if self.is_stopped(policy)? {
            return Ok(Some(Metric::SkippedStopped));
        }
        if let Some(per_second) = policy.max_faults_per_second()
            && !self.take_token(per_second)?
        {
            return Ok(Some(Metric::SkippedBudget));
        }
        if plan.holds_stream() && !policy.is_dry_run() && !self.acquire(policy.max_active())? {
            return Ok(Some(Metric::SkippedOverflow));
        }
        Ok(None)
    }

    /// Takes a token for a fault. Returns `false` if none is left.
    fn take_token(&self, per_second: u32) -> Result<bool> {
        contend(shared_data::update(&self.budget, |shared| {
            let mut bucket = TokenBucket::from_bytes(per_second, shared);
            // An earlier time than that of the last write would refill the bucket twice, so the
            // clock is read after the value.
            bucket.take(clock::monotonic()).then(|| bucket.to_bytes())
        }))
    }

    /// Increments the active faults. Returns `false` if there are `max` already.
    fn acquire(&self, max: u64) -> Result<bool> {
        contend(shared_data::update(&self.active, |shared| {
            Slots::from_bytes(shared).take(max).map(Slots::to_bytes)
        }))
    }

    /// Decrements the active faults.
    pub(super) fn release(&self) {
        // Retry almost indefinitely: a missed decrement would leak a slot for good.
        for _ in 0..MAX_RELEASES {
            let released = shared_data::update(&self.active, |shared| {
                Some(Slots::from_bytes(shared).release().to_bytes())
            });
            if matches!(released, Ok(true)) {
                return;
            }
        }
    }

    /// Returns `true` after the automatic stop.
    pub(super) fn is_stopped(&self, policy: &Policy) -> Result<bool> {
        if self.has_stopped.get() || policy.guard().is_none() {
            return Ok(self.has_stopped.get());
        }
        // Without the window, no error would stop the faults.
        let window = shared_data::read(&self.guard)?.ok_or(HostError::NotFound)?;
        let is_stopped = ErrorWindow::from_bytes(&window.value).is_tripped();
        self.has_stopped.set(is_stopped);
        Ok(is_stopped)
    }

    /// Returns `true` if responses count for the automatic stop.
    pub(super) fn observes(&self, policy: &Policy) -> bool {
        policy.guard().is_some() && !self.has_stopped.get()
    }

    /// Counts a response. Returns the counts of the window if this response trips the guard.
    pub(super) fn observe(&self, policy: &Policy, is_error: bool) -> Option<ErrorCounts> {
        let guard = policy.guard()?;
        let mut tripped = None;
        let updated = shared_data::update(&self.guard, |shared| {
            let mut window = ErrorWindow::from_bytes(shared);
            if window.is_tripped() {
                self.has_stopped.set(true);
                return None;
            }
            tripped = guard.record(&mut window, clock::monotonic(), is_error);
            Some(window.to_bytes())
        });
        tripped.filter(|_| updated == Ok(true))
    }

    /// Stores the current schedule state. Returns it with the transitions that no other worker has
    /// stored.
    pub(super) fn update_schedules(
        &self,
        policy: &Policy,
    ) -> Result<(Vec<u8>, Vec<ScheduleTransition>)> {
        let mut current = Err(HostError::NotFound);
        shared_data::update(&self.schedules, |shared| {
            // Read after the value, so that no worker stores an earlier state than another.
            current = clock::now().map(|now| {
                let state = policy.schedule_state(now);
                let transitions = policy.transitions(shared, &state);
                (state, transitions)
            });
            let (state, _) = current.as_ref().ok()?;
            (shared != state).then(|| state.clone())
        })?;
        current
    }
}

/// Treats too many attempts as a limit that is reached.
fn contend(updated: Result<bool>) -> Result<bool> {
    if updated == Err(HostError::CasMismatch) { Ok(false) } else { updated }
}
