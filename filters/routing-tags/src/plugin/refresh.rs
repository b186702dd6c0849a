//! The time of decisions, and the timer that refreshes it and the canaries.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, SystemTime},
};

use filter_host::{
    Result, clock,
    timers::{Timer, Timers},
};

use super::RoutingTags;

/// The interval at which the clock and the rollbacks of other workers are read.
const INTERVAL: Duration = Duration::from_secs(1);

/// The time of decisions, refreshed by a timer.
pub(super) struct CachedTime {
    timer: Timer,
    /// Time of the last refresh; `None` if a decision may change before the next one.
    ///
    /// Reading the clock for each request costs more than hashing a key.
    now: Cell<Option<SystemTime>>,
}

impl CachedTime {
    pub(super) fn new(timers: &Rc<Timers>) -> Self {
        Self { timer: Timer::new(timers), now: Cell::new(None) }
    }
}

impl RoutingTags {
    /// Refreshes the time and the canaries, and starts the timer that does so again.
    pub(super) fn refresh(&self) {
        let Some(time) = &self.time else { return };
        time.timer.ensure_running(INTERVAL, "the clock is read for each request");
        let now = clock::now().ok();
        self.canaries.refresh(&self.policy, now);
        let is_unchanged = |now: &SystemTime| {
            let later = now.checked_add(INTERVAL.saturating_mul(3));
            later.is_some_and(|later| self.policy.is_unchanged(*now, later))
        };
        time.now.set(now.filter(|now| time.timer.is_running() && is_unchanged(now)));
    }

    /// Refreshes in a tick of the timer, or in any tick if the timer could not be started.
    pub(super) fn refresh_if_due(&self) {
        let is_due = |time: &CachedTime| time.timer.is_due() || !time.timer.is_running();
        if self.time.as_ref().is_some_and(is_due) {
            self.refresh();
        }
    }

    /// Returns the time of a decision; the epoch if no decision depends on it.
    pub(super) fn now(&self) -> Result<SystemTime> {
        match &self.time {
            Some(time) => time.now.get().map_or_else(clock::now, Ok),
            None => Ok(SystemTime::UNIX_EPOCH),
        }
    }
}
