//! Decisions that are made when the configuration is.
//!
//! Where nobody is believed and nothing but a fixed tag is written, what an entry decides is the
//! same for every request that it matches, so nothing is put together per request.

use std::rc::Rc;

use filter_core::{HeaderEdits, Request};

use super::{Decision, Mode, Policy};
use crate::{
    entry::{Choice, Entry},
    metrics::Event,
};

impl Policy {
    /// Makes the decisions that need no request.
    pub(super) fn make_ready(&mut self) {
        if !self.is_plain() {
            return;
        }
        let ready = |(place, entry)| self.ready_entry(place, entry).map(Rc::new);
        let ready = self.entries.iter().enumerate().map(ready).collect();
        self.untagged = Some(Rc::new(Decision {
            strip: self.owned.clone(),
            counts: vec![Event::Untagged.counter()],
            ..Decision::default()
        }));
        self.ready = ready;
    }

    /// Finds the ready decision about a request; `None` where one has to be made.
    pub(super) fn ready(&self, request: &Request) -> Option<Rc<Decision>> {
        let untagged = self.untagged.as_ref()?;
        match self.matcher.first_match(request) {
            Some(place) => self.ready.get(place).cloned().flatten(),
            None => Some(Rc::clone(untagged)),
        }
    }

    /// Says whether no request differs from others but by what the entries match.
    fn is_plain(&self) -> bool {
        let [name] = self.owned.as_slice() else { return false };
        self.mode == Mode::Enforce
            && self.trust.is_none()
            && self.explain.is_none()
            && self.baggage_key.is_none()
            && !self.filter_state
            && self.operations.is_empty()
            && !self.needs.headers.contains(name.as_str())
    }

    fn ready_entry(&self, place: usize, entry: &Entry) -> Option<Decision> {
        let Choice::Literal(tag) = &entry.choice else { return None };
        if entry.schedule.is_some() || !entry.operations.is_empty() {
            return None;
        }
        let mut counts = vec![Event::Tagged.counter()];
        counts.extend(self.rules.get(place)?.of(Some(0)));
        let set = vec![(self.owned.first()?.clone(), tag.as_str().into())];
        Some(Decision {
            request: vec![HeaderEdits { set, ..HeaderEdits::default() }],
            counts,
            first: Some(place),
            ..Decision::default()
        })
    }
}
