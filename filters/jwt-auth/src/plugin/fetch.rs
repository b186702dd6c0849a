//! Carries out what the sources of keys ask for.

use std::{collections::VecDeque, time::Duration};

use filter_core::Headers;
use filter_host::{
    calls::{self, CallId},
    clock,
    metrics::Counter,
    random,
    shared_data::{self, Versioned},
};

use super::{JwtAuth, answer::now};
use crate::{
    Metric,
    key_source::{Answer, Call, Control, Document, Effect, Event, Slot},
};

/// The pace until the first tick, which begins to fetch.
const FIRST: Duration = Duration::from_millis(100);
/// The pace while nothing waits.
const CALM: Duration = Duration::from_secs(1);
/// The pace while a request waits.
const BUSY: Duration = Duration::from_millis(20);

impl JwtAuth {
    /// Takes over what was fetched before, and asks for the first tick.
    pub(super) fn begin_fetching(&self) {
        let sources = self.worker.borrow().sources.len();
        if sources == 0 {
            return;
        }
        let Ok(now) = now() else { return };
        for index in 0..sources {
            self.seed(index);
            self.look(index, now);
        }
        self.tick_every(FIRST);
    }

    /// Wakes up: looks at every source, fetches what is due, and asks about waiting requests.
    pub(super) fn wake(&self) {
        let Ok(now) = now() else { return };
        let sources = self.worker.borrow().sources.len();
        for index in 0..sources {
            if let Some(seen) = self.control(index) {
                let control = Control::decode(&seen.value).unwrap_or_default();
                self.feed(index, Event::Tick(control), Some(&seen), now);
            }
        }
        self.gauges.tell(&self.worker.borrow().sources, now);
        self.settle(now);
    }

    /// Takes the answer to a call.
    pub(super) fn take_answer(&self, call: CallId, body_size: usize) {
        let Some(index) = self.calls.borrow_mut().remove(&call) else { return };
        let Ok(now) = now() else { return };
        let max = self.worker.borrow().sources.get(index).map_or(0, |s| s.spec().max_bytes());
        let headers = calls::response_headers().unwrap_or_else(|_| Headers::default());
        let body = if body_size > max { None } else { calls::response_body(max).ok() };
        self.feed(index, Event::Answer(Answer { headers, body }), None, now);
        self.settle(now);
    }

    /// Reads what other workers know about a source.
    pub(super) fn look(&self, index: usize, now: Duration) {
        if let Some(seen) = self.control(index) {
            let control = Control::decode(&seen.value).unwrap_or_default();
            self.feed(index, Event::Look(control), Some(&seen), now);
        }
    }

    /// Wakes up as often as is needed now.
    pub(super) fn keep_pace(&self) {
        self.tick_every(if self.holds() { BUSY } else { CALM });
    }

    fn settle(&self, now: Duration) {
        let worker = self.worker.borrow();
        let present = worker.sources.iter().map(|source| source.revision(now)).collect();
        drop(worker);
        let before = self.settled.replace(present);
        let changed = before != *self.settled.borrow();
        self.ask_again(changed, now);
        self.keep_pace();
    }

    fn tick_every(&self, pace: Duration) {
        if self.pace.replace(pace) != pace
            && let Err(error) = clock::tick_every(pace)
        {
            log::error!("no tick to be had: {error:?}");
        }
    }

    /// Hands a source an event, and does what it asks for until it asks for nothing.
    fn feed(&self, index: usize, event: Event, seen: Option<&Versioned>, now: Duration) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let random = (u128::from(random::bits()) << 64) | u128::from(random::bits());
            let effects = match self.worker.borrow_mut().sources.get_mut(index) {
                Some(source) => source.on(event, now, random),
                None => return,
            };
            events.extend(
                effects.into_iter().filter_map(|effect| self.carry_out(index, effect, seen)),
            );
        }
    }

    fn carry_out(&self, index: usize, effect: Effect, seen: Option<&Versioned>) -> Option<Event> {
        match effect {
            Effect::ReadDocument => return self.document(index).map(Event::Document),
            Effect::Lease(control) => {
                let key = self.slot(index, Slot::Control);
                let taken = shared_data::replace(&key, seen?, &control.encode()).is_ok();
                return taken.then_some(Event::Leased(control));
            }
            Effect::Call(call) => return self.send(index, &call),
            Effect::Write { holder, document, control } => {
                self.write(index, holder, document, control);
            }
            Effect::Count(metric) => self.count_for(index, metric),
            Effect::Took(time) => self.gauges.took(index, time),
            Effect::Inform(line) => log::info!("{line}"),
            Effect::Warn(line) => log::warn!("{line}"),
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

    /// Writes what a fetch brought, unless its lease ran out and another worker has it.
    fn write(&self, index: usize, holder: u128, document: Option<Document>, control: Control) {
        let Some(seen) = self.control(index) else { return };
        if Control::decode(&seen.value).is_none_or(|present| present.holder != holder) {
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
        if let Err(error) = shared_data::replace(&key, &seen, &control.encode()) {
            log::warn!("another worker fetched as well: {error:?}");
        }
    }

    /// Puts a record where there is none: only an existing one can be leased.
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
