//! What all workers of the pod share: held streams, the budget, the guard.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use filter_core::{Counted, ErrorWindow, Guard};
use filter_host::{HostError, Result, clock, property, shared_data};

use crate::{Metric, Plan, Policy, Taken, Turn};

/// How often a value that others change as well is tried.
const TRIES: usize = 8;

/// Keys of shared data, one set for each configuration.
pub(super) struct Shared {
    active: String,
    budget: String,
    guard: String,
    seasons: String,
}

impl Shared {
    /// Seeds the keys: an absent one would let every worker win.
    ///
    /// `seasons` says which schedules are in force now.
    pub(super) fn new(policy: &Policy, document: &[u8], seasons: &[u8]) -> Self {
        let plugin = property::read(&["plugin_name"]).ok().flatten().unwrap_or_default();
        let plugin = String::from_utf8_lossy(&plugin);
        let mut hasher = DefaultHasher::new();
        document.hash(&mut hasher);
        let hash = hasher.finish();
        let key = |what: &str| format!("weir.fault_injection.{plugin}.{hash:016x}.{what}");
        let shared = Self {
            active: key("active"),
            budget: key("budget"),
            guard: key("guard"),
            seasons: key("seasons"),
        };
        seed(&shared.active, &[]);
        if policy.budget().is_some() {
            seed(&shared.budget, &[]);
        }
        if policy.guard().is_some() {
            seed(&shared.guard, &[]);
        }
        if policy.is_timed() {
            seed(&shared.seasons, seasons);
        }
        shared
    }

    /// Lets a plan through all gates, or says what is counted instead.
    pub(super) fn admit(&self, policy: &Policy, plan: &Plan) -> std::result::Result<(), Metric> {
        if policy.guard().is_some() && self.is_stopped() {
            return Err(Metric::SkippedStopped);
        }
        if let Some(budget) = policy.budget() {
            let taken = clock::now().and_then(|now| {
                let now = now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
                change(&self.budget, |shared| match budget.take(shared, now) {
                    Taken::Fault(left) => Some(left),
                    Taken::Nothing => None,
                })
            });
            if !matches!(taken, Ok(true)) {
                return Err(Metric::SkippedBudget);
            }
        }
        if plan.holds() && !policy.is_dry_run() && !self.hold(policy.max_active()) {
            return Err(Metric::SkippedOverflow);
        }
        Ok(())
    }

    /// Counts one more held stream, unless `most` are.
    fn hold(&self, most: u64) -> bool {
        let one_more = change(&self.active, |shared| {
            let held = number(shared);
            (held < most).then(|| held.saturating_add(1).to_le_bytes().to_vec())
        });
        matches!(one_more, Ok(true))
    }

    /// Counts one held stream less.
    pub(super) fn release(&self) {
        // Tried without end in sight: a stream that stays counted would never be given back.
        for _ in 0..1_000 {
            let one_less = change(&self.active, |shared| {
                Some(number(shared).saturating_sub(1).to_le_bytes().to_vec())
            });
            if matches!(one_less, Ok(true)) {
                return;
            }
        }
    }

    /// Says whether the guard has tripped.
    pub(super) fn is_stopped(&self) -> bool {
        let window = shared_data::read(&self.guard).ok().flatten();
        window.is_some_and(|window| ErrorWindow::from_bytes(&window.value).is_tripped())
    }

    /// Notes which schedules are in force; returns those that no worker has noted before.
    pub(super) fn turn(&self, policy: &Policy, seasons: &[u8]) -> Vec<Turn> {
        let mut turns = Vec::new();
        let noted = change(&self.seasons, |shared| {
            turns = policy.turns(shared, seasons);
            (shared != seasons).then(|| seasons.to_vec())
        });
        if matches!(noted, Ok(true)) { turns } else { Vec::new() }
    }

    /// Counts an answer; returns what was counted when it trips the guard.
    pub(super) fn observe(&self, guard: Guard, now: Duration, is_error: bool) -> Option<Counted> {
        let mut tripped = None;
        let changed = change(&self.guard, |shared| {
            let mut window = ErrorWindow::from_bytes(shared);
            tripped = guard.record(&mut window, now, is_error);
            Some(window.to_bytes())
        });
        tripped.filter(|_| matches!(changed, Ok(true)))
    }
}

fn seed(key: &str, value: &[u8]) {
    if matches!(shared_data::read(key), Ok(None)) {
        let _ = shared_data::write(key, value);
    }
}

/// Replaces a shared value by what `next` makes of it; `false` where it makes nothing.
fn change(key: &str, mut next: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Result<bool> {
    for _ in 0..TRIES {
        let seen = shared_data::read(key)?.ok_or(HostError::NotFound)?;
        let Some(value) = next(&seen.value) else { return Ok(false) };
        match shared_data::replace(key, &seen, &value) {
            Err(HostError::CasMismatch) => {}
            done => return done.map(|()| true),
        }
    }
    Err(HostError::CasMismatch)
}

/// Reads a shared number; other bytes are 0.
fn number(shared: &[u8]) -> u64 {
    shared.try_into().map(u64::from_le_bytes).unwrap_or_default()
}
