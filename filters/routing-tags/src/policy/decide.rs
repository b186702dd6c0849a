//! The decision about one request.

use std::{borrow::Cow, rc::Rc};

use crate::placeholder::{Placeholder, PlaceholderText};
use filter_core::{Match, Matches, Request};

use super::{Decision, Policy, World};
use crate::{
    canary::{CANARY, Canary},
    entry::{Choice, Entry},
    metrics::Event,
    sticky::{Issued, Key},
    tag::Tag,
};

/// What is known of one header that carries tags.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Slot {
    /// Nothing was decided.
    Open,
    /// The request's own tag stays.
    Kept { tag: Tag, from_baggage: bool },
    /// An entry gave a tag.
    Decided { entry: usize, chosen: Chosen },
}

/// A tag, and how an entry came to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chosen {
    pub(super) tag: Tag,
    /// The place of the tag among those of the entry.
    pub(super) variant: usize,
    /// The word for the key, and the weight of the tag, where there was a choice.
    pub(super) by: Option<(&'static str, f64)>,
}

/// A request on its way through the entries.
pub(super) struct Course<'p, 'w, 'r> {
    pub(super) policy: &'p Policy,
    pub(super) world: &'w mut World<'p>,
    pub(super) request: &'r Request,
    pub(super) slots: Vec<Slot>,
    /// The entries that decided or had nothing to decide, in order.
    pub(super) applied: Vec<usize>,
    pub(super) issued: Issued,
    pub(super) events: Vec<Event>,
    pub(super) decision: Decision,
}

impl Policy {
    /// Decides about a request of which everything was read that [`Policy::needs`] names.
    ///
    /// Asking again with the same values gives the same answer.
    pub fn decide<'p>(&'p self, request: &Request, world: &mut World<'p>) -> Rc<Decision> {
        self.ready(request, world).unwrap_or_else(|| Rc::new(self.make(request, world)))
    }

    /// Puts a decision together, whether one is ready or not.
    pub(super) fn make<'p>(&'p self, request: &Request, world: &mut World<'p>) -> Decision {
        let mut events = Vec::new();
        let inbound = self.inbound(request, &mut events);
        let mut course = Course {
            policy: self,
            world,
            request: &inbound.request,
            slots: inbound.slots.clone(),
            applied: Vec::new(),
            issued: Issued::default(),
            events,
            decision: Decision { is_dry: self.mode.is_dry_run(), ..Decision::default() },
        };
        course.walk(self.matcher.matches(course.request));
        course.finish(&inbound)
    }

    /// Says what is done when the proxy fails to answer: tags of strangers go, where that works.
    #[must_use]
    pub fn give_up(&self) -> Rc<Decision> {
        Rc::new(Decision {
            strip: self.owned.clone(),
            counts: vec![Event::Errors.counter()],
            is_dry: self.mode.is_dry_run(),
            ..Decision::default()
        })
    }
}

impl<'r> Course<'_, '_, 'r> {
    fn walk(&mut self, matches: Matches<'_, '_>) {
        // After an unsure entry, no later entry decides.
        for place in matches.map_while(Match::sure) {
            let Some(entry) = self.policy.entries.get(place) else { continue };
            if self.slots.get(entry.slot) == Some(&Slot::Open) {
                self.ask(place, entry);
            }
            if !self.slots.contains(&Slot::Open) {
                return;
            }
        }
    }

    fn ask(&mut self, place: usize, entry: &Entry) {
        if entry.schedule.as_ref().is_some_and(|schedule| !schedule.is_active(self.world.now)) {
            return;
        }
        if entry.choice == Choice::Nothing {
            self.applied.push(place);
            return;
        }
        let Some(chosen) = self.choose(place, entry) else { return };
        self.applied.push(place);
        if let Some(slot) = self.slots.get_mut(entry.slot) {
            *slot = Slot::Decided { entry: place, chosen };
        }
    }

    fn choose(&mut self, place: usize, entry: &Entry) -> Option<Chosen> {
        match &entry.choice {
            Choice::Nothing => None,
            Choice::Literal(tag) => Some(Chosen { tag: tag.clone(), variant: 0, by: None }),
            Choice::Template(text) => self.fill(place, text),
            Choice::Split(split) => {
                let (key, salt) = self.key(entry);
                let variant = match &key {
                    Key::Found(bytes, _) => split.sticky(salt, bytes),
                    Key::Random => split.random((self.world.bits)()),
                }?;
                let (tag, weight) = split.variants.get(variant)?;
                let by = Some((key.word(), f64::from(*weight)));
                Some(Chosen { tag: tag.clone(), variant, by })
            }
            Choice::Canary(canary) => Some(self.choose_canary(place, entry, canary)),
        }
    }

    fn choose_canary(&mut self, place: usize, entry: &Entry, canary: &Canary) -> Chosen {
        let is_over = (self.world.rolled_back)(place);
        let weight = self.policy.canary_weight(place, self.world.now, is_over);
        let (key, salt) = self.key(entry);
        let variant = match &key {
            Key::Found(bytes, _) => canary.sticky(weight, salt, bytes),
            Key::Random => Canary::random(weight, (self.world.bits)()),
        };
        if variant == CANARY {
            self.decision.canaries.push(place);
        }
        let share = if variant == CANARY { weight } else { 10_000_u16.saturating_sub(weight) };
        let by = Some((key.word(), f64::from(share) / 100.0));
        Chosen { tag: canary.tag(variant).clone(), variant, by }
    }

    fn key<'e>(&mut self, entry: &'e Entry) -> (Key<'r>, &'e str) {
        let Some(sticky) = &entry.sticky else { return (Key::Random, "") };
        let key = sticky.key(self.request, &mut self.issued, self.world.bits, &mut self.events);
        (key, &sticky.salt)
    }

    fn fill(&mut self, place: usize, text: &PlaceholderText) -> Option<Chosen> {
        let value = text.expand(|placeholder| value(self.policy, self.request, place, placeholder));
        let tag = value.and_then(|value| Tag::from_bytes(&value));
        if tag.is_none() {
            self.events.push(Event::TagInvalid);
        }
        Some(Chosen { tag: tag?, variant: 0, by: None })
    }
}

/// Finds what a placeholder stands for in a request that entry `place` matched.
pub(super) fn value<'r>(
    policy: &Policy,
    request: &'r Request,
    place: usize,
    placeholder: &Placeholder,
) -> Option<Cow<'r, [u8]>> {
    let Placeholder::Path(name) = placeholder else { return placeholder.of_request(request) };
    let captures = policy.matcher.captures(place, request);
    let found = captures.into_iter().find(|(hole, _)| hole == name);
    found.map(|(_, value)| Cow::Owned(value))
}
