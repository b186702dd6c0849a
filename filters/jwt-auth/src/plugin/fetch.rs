//! Fetches of keys and deny lists.

use std::time::Duration;

use filter_core::remote::Source;
use filter_host::{
    Result,
    calls::CallId,
    clock::since_1970 as now,
    metrics::Counter,
    remote::{self, FIRST_TICK, Fetcher, IDLE_TICK, PendingCalls},
};

use super::JwtAuth;
use crate::{Metric, key_source::SourceSpec};

/// The tick period while requests wait.
pub(super) const BUSY_TICK: Duration = Duration::from_millis(20);

impl JwtAuth {
    /// Loads the documents that were fetched before, and schedules the first tick.
    ///
    /// Later ticks retry after a failure.
    pub(super) fn start_sources(&self) {
        let sources = self.worker.borrow().sources.len();
        if sources == 0 {
            return;
        }
        if let Ok(now) = now() {
            (0..sources).for_each(|index| self.refresh_control(index, now));
        }
        self.ensure_ticking();
    }

    /// Starts the timer if there are sources and it is not running.
    pub(super) fn ensure_ticking(&self) {
        if self.tick_period.get().is_zero() && !self.worker.borrow().sources.is_empty() {
            log_timer_error(self.set_tick_period(FIRST_TICK));
        }
    }

    /// Passes a tick to every source, and decides waiting requests if something changed.
    pub(super) fn tick(&self) {
        let Ok(now) = now() else { return };
        remote::tick(self, now);
        self.gauges.update(&self.worker.borrow().sources, now);
        self.decide_waiting_if_changed(now);
    }

    /// Handles the answer to a call.
    pub(super) fn handle_answer(&self, call: CallId, body_size: usize) {
        if let Some(now) = remote::handle_response(self, call, body_size) {
            self.decide_waiting_if_changed(now);
        }
    }

    /// Reads the control record of a source, which other workers may have changed.
    pub(super) fn refresh_control(&self, index: usize, now: Duration) {
        if !remote::refresh_control(self, index, now) {
            self.decide_at_next_tick();
        }
    }

    /// Decides all waiting requests again at the next tick.
    pub(super) fn decide_at_next_tick(&self) {
        self.revisions.borrow_mut().clear();
    }

    /// Sets the period of the timer, which keeps the previous one on an error.
    pub(super) fn set_tick_period(&self, period: Duration) -> Result<()> {
        if self.tick_period.get() != period {
            self.timer.every(period)?;
            self.tick_period.set(period);
        }
        Ok(())
    }

    fn decide_waiting_if_changed(&self, now: Duration) {
        let worker = self.worker.borrow();
        let current = worker.sources.iter().map(|source| source.revision(now)).collect();
        drop(worker);
        let previous = self.revisions.replace(current);
        let is_changed = previous != *self.revisions.borrow();
        self.decide_waiting(is_changed, now);
        let period = if self.has_waiting() { BUSY_TICK } else { IDLE_TICK };
        log_timer_error(self.set_tick_period(period));
    }
}

impl Fetcher for JwtAuth {
    type Spec = SourceSpec;

    fn source_count(&self) -> usize {
        self.worker.borrow().sources.len()
    }

    fn with_source<R>(
        &self,
        index: usize,
        action: impl FnOnce(&mut Source<SourceSpec>) -> R,
    ) -> Option<R> {
        self.worker.borrow_mut().sources.get_mut(index).map(action)
    }

    fn pending_calls(&self) -> &PendingCalls {
        &self.calls
    }

    fn count(&self, index: usize, metric: Metric) {
        let worker = self.worker.borrow();
        let provider = worker.sources.get(index).map(|source| &*source.spec().provider);
        match provider.filter(|_| self.policy.labels_metrics()) {
            Some(provider) => Counter::define(&metric.name_for(provider)).increment(),
            None => self.count_all(&[metric]),
        }
    }

    fn record_fetch(&self, index: usize, time: Duration) {
        self.gauges.record_fetch(index, time);
    }
}

fn log_timer_error(result: Result<()>) {
    if let Err(error) = result {
        log::error!("the tick period was not set, which is tried again: {error:?}");
    }
}
