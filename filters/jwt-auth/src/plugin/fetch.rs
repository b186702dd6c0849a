//! Fetches of keys and deny lists: passes events to the sources and applies their effects.

use std::{collections::VecDeque, time::Duration};

use filter_host::{
    HostError, Result,
    calls::{self, CallId},
    metrics::Counter,
    random,
    shared_data::Versioned,
};

use super::{JwtAuth, request::now};
use crate::{
    Metric,
    key_source::{Answer, Call, Control, Effect, Event},
};

/// The time until the first tick, which starts the first fetches.
const FIRST_TICK: Duration = Duration::from_millis(100);
/// The tick period while no request waits.
const IDLE_TICK: Duration = Duration::from_secs(1);
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
        let sources = self.worker.borrow().sources.len();
        for index in 0..sources {
            if let Some(record) = self.control(index) {
                let control = Control::decode(&record.value).unwrap_or_default();
                self.feed(index, Event::Tick(control), Some(&record), now);
            }
        }
        self.gauges.update(&self.worker.borrow().sources, now);
        self.decide_waiting_if_changed(now);
    }

    /// Handles the answer to a call.
    pub(super) fn handle_answer(&self, call: CallId, body_size: usize) {
        let Some(index) = self.calls.borrow_mut().remove(&call) else { return };
        let Ok(now) = now() else { return };
        let max = self.worker.borrow().sources.get(index).map_or(0, |s| s.spec().max_bytes());
        let answer = read_answer(body_size, max).unwrap_or_default();
        self.feed(index, Event::Answer(answer), None, now);
        self.decide_waiting_if_changed(now);
    }

    /// Reads the control record of a source, which other workers may have changed.
    pub(super) fn refresh_control(&self, index: usize, now: Duration) {
        match self.control(index) {
            Some(record) => {
                let control = Control::decode(&record.value).unwrap_or_default();
                self.feed(index, Event::Control(control), Some(&record), now);
            }
            None => self.decide_at_next_tick(),
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

    /// Passes an event to a source, and applies its effects and the events that follow from them.
    fn feed(&self, index: usize, event: Event, record: Option<&Versioned>, now: Duration) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let random = (u128::from(random::bits()) << 64) | u128::from(random::bits());
            let effects = match self.worker.borrow_mut().sources.get_mut(index) {
                Some(source) => source.handle(event, now, random),
                None => return,
            };
            events.extend(
                effects.into_iter().filter_map(|effect| self.perform(index, effect, record)),
            );
        }
    }

    /// Applies an effect; returns the event that follows from it.
    fn perform(&self, index: usize, effect: Effect, record: Option<&Versioned>) -> Option<Event> {
        match effect {
            Effect::ReadDocument => return self.document(index).map(Event::Document),
            Effect::Lease(control) => {
                let is_leased = self.lease(index, record?, &control);
                return is_leased.then_some(Event::Leased(control));
            }
            Effect::Call(call) => return self.send(index, &call),
            Effect::Write { holder, document, control } => {
                self.write(index, holder, document, control);
            }
            Effect::Count(metric) => self.count_for(index, metric),
            Effect::FetchTime(time) => self.gauges.record_fetch(index, time),
            Effect::LogInfo(line) => log::info!("{line}"),
            Effect::LogWarning(line) => log::warn!("{line}"),
        }
        None
    }

    fn send(&self, index: usize, call: &Call) -> Option<Event> {
        match calls::http(&call.cluster, &call.headers(), &[], call.timeout) {
            Ok(id) => {
                self.calls.borrow_mut().insert(id, index);
                None
            }
            Err(HostError::BadArgument) => Some(Event::NoCluster),
            Err(_) => Some(Event::Answer(Answer::default())),
        }
    }

    fn count_for(&self, index: usize, metric: Metric) {
        let worker = self.worker.borrow();
        let provider = worker.sources.get(index).map(|source| &*source.spec().provider);
        match provider.filter(|_| self.policy.labels_metrics()) {
            Some(provider) => Counter::define(&metric.name_for(provider)).increment(),
            None => self.count(&[metric]),
        }
    }
}

/// Reads the response to a call, without a body of more than `max` bytes.
fn read_answer(body_size: usize, max: usize) -> Result<Answer> {
    let headers = calls::response_headers()?;
    let body = if body_size > max { None } else { Some(calls::response_body(max)?) };
    Ok(Answer { headers, body })
}

fn log_timer_error(result: Result<()>) {
    if let Err(error) = result {
        log::error!("the tick period was not set, which is tried again: {error:?}");
    }
}
