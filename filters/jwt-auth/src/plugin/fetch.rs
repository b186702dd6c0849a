//! Fetches of keys and deny lists: passes events to the sources and applies their effects.

use std::{collections::VecDeque, time::Duration};

use filter_core::Headers;
use filter_host::{
    calls::{self, CallId},
    metrics::Counter,
    random,
    shared_data::{self, Versioned},
};

use super::{JwtAuth, request::now};
use crate::{
    Metric,
    key_source::{Answer, Call, Control, Document, Effect, Event, Slot},
};

/// The time until the first tick, which starts the first fetches.
const FIRST_TICK: Duration = Duration::from_millis(100);
/// The tick period while no request waits.
const IDLE_TICK: Duration = Duration::from_secs(1);
/// The tick period while requests wait.
const BUSY_TICK: Duration = Duration::from_millis(20);

impl JwtAuth {
    /// Loads the documents that were fetched before, and schedules the first tick.
    pub(super) fn start_sources(&self) {
        let sources = self.worker.borrow().sources.len();
        if sources == 0 {
            return;
        }
        let Ok(now) = now() else { return };
        for index in 0..sources {
            self.seed(index);
            self.refresh_control(index, now);
        }
        self.set_tick_period(FIRST_TICK);
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
        let headers = calls::response_headers().unwrap_or_else(|_| Headers::default());
        let body = if body_size > max { None } else { calls::response_body(max).ok() };
        self.feed(index, Event::Answer(Answer { headers, body }), None, now);
        self.decide_waiting_if_changed(now);
    }

    /// Reads the control record of a source, which other workers may have changed.
    pub(super) fn refresh_control(&self, index: usize, now: Duration) {
        if let Some(record) = self.control(index) {
            let control = Control::decode(&record.value).unwrap_or_default();
            self.feed(index, Event::Control(control), Some(&record), now);
        }
    }

    /// Sets the tick period, which depends on whether requests wait.
    pub(super) fn adjust_tick_period(&self) {
        self.set_tick_period(if self.has_waiting() { BUSY_TICK } else { IDLE_TICK });
    }

    fn decide_waiting_if_changed(&self, now: Duration) {
        let worker = self.worker.borrow();
        let current = worker.sources.iter().map(|source| source.revision(now)).collect();
        drop(worker);
        let previous = self.revisions.replace(current);
        let is_changed = previous != *self.revisions.borrow();
        self.decide_waiting(is_changed, now);
        self.adjust_tick_period();
    }

    fn set_tick_period(&self, period: Duration) {
        if self.tick_period.replace(period) != period
            && let Err(error) = self.timer.every(period)
        {
            log::error!("the tick period was not set: {error:?}");
        }
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
            events
                .extend(effects.into_iter().filter_map(|effect| self.apply(index, effect, record)));
        }
    }

    fn apply(&self, index: usize, effect: Effect, record: Option<&Versioned>) -> Option<Event> {
        match effect {
            Effect::ReadDocument => return self.document(index).map(Event::Document),
            Effect::Lease(control) => {
                let key = self.slot(index, Slot::Control);
                let is_leased = shared_data::replace(&key, record?, &control.encode()).is_ok();
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
            Err(_) => Some(Event::NoCluster),
        }
    }

    /// Writes a fetched document and the control record, unless the lease expired and another
    /// worker holds it.
    fn write(&self, index: usize, holder: u128, document: Option<Document>, control: Control) {
        let Some(record) = self.control(index) else { return };
        if Control::decode(&record.value).is_none_or(|current| current.holder != holder) {
            return;
        }
        if let Some(document) = document {
            let key = self.slot(index, Slot::Document);
            if let Err(error) = shared_data::write(&key, &document.encode()) {
                log::error!("a fetched document was not shared: {error:?}");
                return;
            }
        }
        let key = self.slot(index, Slot::Control);
        if let Err(error) = shared_data::replace(&key, &record, &control.encode()) {
            log::warn!("another worker fetched as well: {error:?}");
        }
    }

    /// Writes an empty control record if there is none; a lease needs an existing record.
    fn seed(&self, index: usize) {
        let key = self.slot(index, Slot::Control);
        if let Err(error) = shared_data::seed(&key, &Control::default().encode()) {
            log::error!("keys not shared: {error:?}");
        }
    }

    fn control(&self, index: usize) -> Option<Versioned> {
        shared_data::read(&self.slot(index, Slot::Control)).ok().flatten()
    }

    fn document(&self, index: usize) -> Option<Document> {
        let found = shared_data::read(&self.slot(index, Slot::Document)).ok().flatten()?;
        Document::decode(&found.value)
    }

    fn slot(&self, index: usize, slot: Slot) -> String {
        let worker = self.worker.borrow();
        worker.sources.get(index).map(|source| source.spec().slot(slot)).unwrap_or_default()
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
