//! Decisions that are made when the configuration is.
//!
//! Where nobody is believed and nothing but a tag is written, what follows from an entry's tag is
//! the same for every request that gets it, so nothing is put together per request.

use std::rc::Rc;

use filter_core::{HeaderEdits, Request};

use super::{Decision, Policy, World};
use crate::{
    canary::{CANARY, Canary},
    entry::{Choice, Entry},
    metrics::Event,
    tag::Tag,
};

/// The decisions of one entry, by the places of its tags; none where a request plays a part.
pub(super) type Ready = Vec<Rc<Decision>>;

impl Policy {
    /// Makes the decisions that need no request.
    pub(super) fn make_ready(&mut self) {
        if !self.is_plain() {
            return;
        }
        let ready = |(place, entry)| self.ready_entry(place, entry);
        let ready = self.entries.iter().enumerate().map(ready).collect();
        self.untagged = Some(Rc::new(Decision {
            strip: if self.sees_tags() { Vec::new() } else { self.owned.clone() },
            counts: vec![Event::Untagged.counter()],
            ..Decision::default()
        }));
        self.ready = ready;
    }

    /// Finds the ready decision about a request; `None` where one has to be made.
    pub(super) fn ready<'p>(
        &'p self,
        request: &Request,
        world: &mut World<'p>,
    ) -> Option<Rc<Decision>> {
        let untagged = self.untagged.as_ref()?;
        if self.owned.iter().any(|name| request.headers.first(name.as_str()).is_some()) {
            return None;
        }
        let Some(place) = self.matcher.sure_match(request) else {
            return Some(Rc::clone(untagged));
        };
        let ready = self.ready.get(place).filter(|ready| !ready.is_empty())?;
        let variant = self.variant(place, request, world)?;
        ready.get(variant).cloned()
    }

    /// Chooses a tag of an entry; `None` where the choice has to be told or a cookie issued.
    fn variant<'p>(
        &'p self,
        place: usize,
        request: &Request,
        world: &mut World<'p>,
    ) -> Option<usize> {
        let entry = self.entries.get(place)?;
        let sticky = entry.sticky.as_ref();
        let key = match sticky {
            Some(sticky) => Some((sticky.hash.key(request)?, &*sticky.salt)),
            None => None,
        };
        match &entry.choice {
            Choice::Nothing | Choice::Template(_) => None,
            Choice::Literal(_) => Some(0),
            Choice::Split(split) => match key {
                Some((key, salt)) => split.sticky(salt, &key.bytes),
                None => split.random((world.bits)()),
            },
            Choice::Canary(canary) => {
                let weight = self.canary_weight(place, world.now, (world.rolled_back)(place));
                Some(match key {
                    Some((key, salt)) => canary.sticky(weight, salt, &key.bytes),
                    None => Canary::random(weight, (world.bits)()),
                })
            }
        }
    }

    /// Says whether no request differs from others but by what the entries match.
    fn is_plain(&self) -> bool {
        let [name] = self.owned.as_slice() else { return false };
        !self.mode.is_dry_run()
            && self.trust.is_none()
            && self.explain.is_none()
            && self.baggage_key.is_none()
            && !self.filter_state
            && self.operations.is_empty()
            && !self.matcher.needs().headers.contains(name.as_str())
    }

    fn ready_entry(&self, place: usize, entry: &Entry) -> Ready {
        if entry.schedule.is_some() || !entry.operations.is_empty() {
            return Vec::new();
        }
        let tags = entry.choice.tags().into_iter().enumerate();
        let decisions = tags.map(|(variant, tag)| {
            let canary = matches!(entry.choice, Choice::Canary(_)) && variant == CANARY;
            let canaries = if canary { vec![place] } else { Vec::new() };
            Rc::new(Decision { canaries, ..self.ready_tag(place, variant, tag) })
        });
        decisions.collect()
    }

    fn ready_tag(&self, place: usize, variant: usize, tag: &Tag) -> Decision {
        let mut counts = vec![Event::Tagged.counter()];
        counts.extend(self.rules.get(place).into_iter().flat_map(|rule| rule.of(Some(variant))));
        let header = self.owned.first().cloned();
        let set = header.map(|header| (header, tag.as_str().into())).into_iter().collect();
        Decision {
            request: vec![HeaderEdits { set, ..HeaderEdits::default() }],
            counts,
            ..Decision::default()
        }
    }
}
