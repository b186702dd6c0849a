//! Timers of a plugin.
//!
//! The host has one timer for each plugin. Parts of a plugin, and the filters of a suite, each have
//! a [`Timer`]; the host's timer runs for the one that is due first.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use crate::{clock, host_error::Result, sys};

/// The shortest period of the host's timer.
const MIN_PERIOD: Duration = Duration::from_millis(1);
/// Time by which a tick can be early, as the host's clock is coarser than the monotonic one.
const TOLERANCE: Duration = Duration::from_millis(5);

/// The timers of a plugin.
#[derive(Default)]
pub struct Timers {
    timers: RefCell<Vec<State>>,
    /// The period of the host's timer; zero if it is stopped.
    period: Cell<Duration>,
    /// The time of the host's next tick; unused with a single timer.
    next: Cell<Duration>,
}

/// The state of a timer.
#[derive(Clone, Copy, Default)]
struct State {
    /// Zero if the timer is stopped.
    period: Duration,
    /// The time of the next tick; unused with a single timer.
    due: Duration,
    is_due: bool,
}

/// A timer of a plugin.
pub struct Timer {
    timers: Rc<Timers>,
    index: usize,
    is_running: Cell<bool>,
}

impl Timer {
    /// Creates a stopped timer.
    #[must_use]
    pub fn new(timers: &Rc<Timers>) -> Self {
        let mut states = timers.timers.borrow_mut();
        let index = states.len();
        states.push(State::default());
        Self { timers: Rc::clone(timers), index, is_running: Cell::new(false) }
    }

    /// Starts the timer, or restarts it with another period, in whole milliseconds.
    ///
    /// Each tick wakes the worker, so call [`Timer::stop`] if there is nothing to do. Envoy's event
    /// loop uses a coarse clock, so the resolution is one kernel jiffy.
    ///
    /// # Errors
    ///
    /// Fails if the proxy refuses; the timer then keeps its period, or is still stopped.
    pub fn every(&self, period: Duration) -> Result<()> {
        self.timers.change(self.index, period.max(MIN_PERIOD))?;
        self.is_running.set(true);
        Ok(())
    }

    /// Starts the timer unless it runs. If the proxy refuses, logs an error with the `consequence`,
    /// and a later call tries again.
    pub fn ensure_running(&self, period: Duration, consequence: &str) {
        if !self.is_running()
            && let Err(error) = self.every(period)
        {
            log::error!("timer not started, {consequence}: {error:?}");
        }
    }

    /// Returns `true` unless the timer is stopped.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.is_running.get()
    }

    /// Stops the timer.
    ///
    /// # Errors
    ///
    /// Fails if the proxy refuses; the timer is then still running.
    pub fn stop(&self) -> Result<()> {
        self.timers.change(self.index, Duration::ZERO)?;
        self.is_running.set(false);
        Ok(())
    }

    /// Returns `true` during a tick of this timer.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.timers.timers.borrow().get(self.index).is_some_and(|timer| timer.is_due)
    }
}

impl Timers {
    /// Runs `on_tick` with the timers that are due, and schedules the next tick.
    pub(crate) fn tick(&self, on_tick: impl FnOnce()) {
        if self.is_single() {
            self.timers.borrow_mut().iter_mut().for_each(|timer| timer.is_due = true);
        } else {
            self.mark_due(clock::monotonic());
        }
        on_tick();
        self.timers.borrow_mut().iter_mut().for_each(|timer| timer.is_due = false);
        if !self.is_single() {
            // On failure, the host keeps its period, and the next tick tries again.
            let _ = self.schedule(clock::monotonic());
        }
    }

    /// With a single timer, its period is that of the host.
    fn is_single(&self) -> bool {
        self.timers.borrow().len() == 1
    }

    fn mark_due(&self, now: Duration) {
        self.next.set(now.saturating_add(self.period.get()));
        let mut timers = self.timers.borrow_mut();
        let is_due = |timer: &&mut State| {
            !timer.period.is_zero() && timer.due <= now.saturating_add(TOLERANCE)
        };
        for timer in timers.iter_mut().filter(is_due) {
            timer.is_due = true;
            timer.due = now.saturating_add(timer.period);
        }
    }

    /// Changes the period of a timer; zero stops it.
    fn change(&self, index: usize, period: Duration) -> Result<()> {
        let is_single = self.is_single();
        let now = if is_single { Duration::ZERO } else { clock::monotonic() };
        let due = self.due_with(period, index).unwrap_or(now.saturating_add(period));
        let state = State { period, due, is_due: false };
        let Some(before) = self.replace(index, state) else { return Ok(()) };
        let scheduled = if is_single { self.set_period(period) } else { self.schedule(now) };
        if scheduled.is_err() {
            self.replace(index, before);
        }
        scheduled
    }

    /// Returns when another timer with this period is due: both then tick together.
    fn due_with(&self, period: Duration, index: usize) -> Option<Duration> {
        let timers = self.timers.borrow();
        let mut others = timers.iter().enumerate().filter(|(other, _)| *other != index);
        let twin = others.find(|(_, timer)| timer.period == period && !period.is_zero());
        twin.map(|(_, timer)| timer.due)
    }

    /// Replaces the state of a timer, but not its flag.
    fn replace(&self, index: usize, state: State) -> Option<State> {
        let mut timers = self.timers.borrow_mut();
        let timer = timers.get_mut(index)?;
        let before = std::mem::replace(timer, State { is_due: timer.is_due, ..state });
        Some(before)
    }

    /// Sets the host's timer to the timer that is due first, unless it ticks at about that time.
    fn schedule(&self, now: Duration) -> Result<()> {
        let timers = self.timers.borrow();
        let active = timers.iter().filter(|timer| !timer.period.is_zero());
        let Some(due) = active.map(|timer| timer.due).min() else {
            return if self.period.get().is_zero() {
                Ok(())
            } else {
                self.set_period(Duration::ZERO)
            };
        };
        let (period, next) = (self.period.get(), self.next.get());
        if !period.is_zero()
            && next.abs_diff(due) <= TOLERANCE.min(period.checked_div(4).unwrap_or_default())
        {
            return Ok(());
        }
        self.set_period(due.saturating_sub(now).max(MIN_PERIOD))?;
        self.next.set(due);
        Ok(())
    }

    fn set_period(&self, period: Duration) -> Result<()> {
        sys::set_tick_period(period)?;
        self.period.set(period);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
