//! State that all workers of the pod share: active faults, the token bucket, the guard, schedules.

use std::time::{Duration, SystemTime};

use filter_core::{ErrorCounts, ErrorWindow, Guard, TokenBucket};
use filter_host::{Result, clock, shared_data};

use crate::{Metric, Plan, Policy, ScheduleTransition};

/// Maximum number of attempts to decrement the active faults, each of up to 8 writes.
const MAX_RELEASES: usize = 1_000;

/// The keys of the shared data of one configuration.
pub(super) struct Shared {
    active: String,
    budget: String,
    guard: String,
    schedules: String,
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
        };
        for (key, value, is_used) in [
            (&shared.active, &[][..], true),
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

    /// Applies the limits to a plan. Returns the counter of the limit that it exceeds, as `Err`.
    pub(super) fn check_limits(
        &self,
        policy: &Policy,
        plan: &Plan,
    ) -> std::result::Result<(), Metric> {
        if policy.guard().is_some() && self.is_stopped() {
            return Err(Metric::SkippedStopped);
        }
        if let Some(per_second) = policy.max_faults_per_second()
            && !matches!(self.take_token(per_second), Ok(true))
        {
            return Err(Metric::SkippedBudget);
        }
        if plan.holds_stream() && !policy.is_dry_run() && !self.acquire(policy.max_active()) {
            return Err(Metric::SkippedOverflow);
        }
        Ok(())
    }

    /// Takes a token for a fault. Returns `false` if none is left.
    fn take_token(&self, per_second: u32) -> Result<bool> {
        let now = clock::now()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        shared_data::update(&self.budget, |shared| {
            let mut bucket = TokenBucket::from_bytes(per_second, shared);
            bucket.take(now).then(|| bucket.to_bytes())
        })
    }

    /// Increments the active faults. Returns `false` if there are `max` already.
    fn acquire(&self, max: u64) -> bool {
        let acquired = shared_data::update(&self.active, |shared| {
            let active = number(shared);
            (active < max).then(|| active.saturating_add(1).to_le_bytes().to_vec())
        });
        matches!(acquired, Ok(true))
    }

    /// Decrements the active faults.
    pub(super) fn release(&self) {
        // Retry almost indefinitely: a missed decrement would leak a slot for good.
        for _ in 0..MAX_RELEASES {
            let released = shared_data::update(&self.active, |shared| {
                Some(number(shared).saturating_sub(1).to_le_bytes().to_vec())
            });
            if matches!(released, Ok(true)) {
                return;
            }
        }
    }

    /// Returns `true` after the automatic stop.
    pub(super) fn is_stopped(&self) -> bool {
        let window = shared_data::read(&self.guard).ok().flatten();
        window.is_some_and(|window| ErrorWindow::from_bytes(&window.value).is_tripped())
    }

    /// Stores the current schedule state. Returns the transitions that no other worker has stored.
    pub(super) fn update_schedules(
        &self,
        policy: &Policy,
        schedules: &[u8],
    ) -> Vec<ScheduleTransition> {
        let mut transitions = Vec::new();
        let updated = shared_data::update(&self.schedules, |shared| {
            transitions = policy.transitions(shared, schedules);
            (shared != schedules).then(|| schedules.to_vec())
        });
        if matches!(updated, Ok(true)) { transitions } else { Vec::new() }
    }

    /// Counts a response. Returns the counts of the window if this response trips the guard.
    pub(super) fn observe(
        &self,
        guard: Guard,
        now: Duration,
        is_error: bool,
    ) -> Option<ErrorCounts> {
        let mut tripped = None;
        let updated = shared_data::update(&self.guard, |shared| {
            let mut window = ErrorWindow::from_bytes(shared);
            tripped = guard.record(&mut window, now, is_error);
            Some(window.to_bytes())
        });
        tripped.filter(|_| matches!(updated, Ok(true)))
    }
}

/// Returns the shared number, 0 if it has another form.
fn number(shared: &[u8]) -> u64 {
    shared.try_into().map(u64::from_le_bytes).unwrap_or_default()
}
