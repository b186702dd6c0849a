//! From what was decided to what is done.

use std::{borrow::Cow, rc::Rc};

use crate::placeholder::Placeholder;
use filter_core::{HeaderEdits, HeaderName};

use super::{
    Decision, OnResponse,
    decide::{Course, Slot, value},
    inbound::Inbound,
};
use crate::{
    baggage::Baggage,
    config::EXPLAIN,
    entry::Entry,
    metrics::{Counter, Event},
    operations::{Changes, Operations},
    tag::Tag,
};

impl Slot {
    pub(super) const fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Open => None,
            Self::Kept { tag, .. } => Some(tag),
            Self::Decided { chosen, .. } => Some(&chosen.tag),
        }
    }
}

impl Course<'_, '_, '_> {
    /// Turns what was decided into changes.
    pub(super) fn finish(mut self, inbound: &Inbound<'_>) -> Decision {
        self.write_tags(inbound);
        self.write_baggage(inbound);
        self.write_operations();
        self.write_response();
        self.count();
        if self.decision.is_dry {
            self.leave_alone();
        }
        self.decision
    }

    fn write_tags(&mut self, inbound: &Inbound<'_>) {
        let mut edits = HeaderEdits::default();
        let slots = self.slots.iter().zip(&self.policy.owned).zip(&inbound.present);
        for ((slot, name), present) in slots {
            let tag = match slot {
                Slot::Open if !self.policy.sees_tags() => {
                    self.decision.strip.push(name.clone());
                    continue;
                }
                Slot::Open => None,
                Slot::Kept { from_baggage: false, .. } => continue,
                Slot::Kept { tag, .. } => Some(tag),
                Slot::Decided { chosen, .. } => Some(&chosen.tag),
            };
            let forged = *present && !inbound.is_trusted;
            self.events.extend(forged.then_some(Event::InboundStripped));
            match tag {
                Some(tag) => edits.set.push(pair(name, tag)),
                None => edits.remove.extend(present.then(|| name.clone())),
            }
        }
        self.push(edits);
        if self.policy.filter_state {
            let tag = self.slots.first().and_then(Slot::tag);
            self.decision.filter_state = tag.map(|tag| tag.as_str().into());
        }
    }

    fn write_baggage(&mut self, inbound: &Inbound<'_>) {
        let Some(key) = &self.policy.baggage_key else { return };
        let baggage = Baggage::new(&self.request.headers, key);
        let tag = self.slots.first().and_then(Slot::tag);
        let values = baggage.values();
        if tag.is_some_and(|tag| values == [tag.as_str().as_bytes()]) {
            return;
        }
        let headers =
            match tag.filter(|_| baggage.is_well_formed()).map(|tag| baggage.with(tag.as_str())) {
                Some(Ok(headers)) => headers,
                Some(Err(_)) => {
                    self.events.push(Event::BaggageFull);
                    baggage.without()
                }
                None => baggage.without(),
            };
        let changes = inbound.drops_member || tag.is_some() && baggage.is_well_formed();
        if changes {
            let edits = replaced(&headers);
            self.push(edits);
        }
    }

    fn write_operations(&mut self) {
        let entries = std::mem::take(&mut self.applied);
        let mut response = Vec::new();
        for place in entries {
            let Some(entry) = self.policy.entries.get(place) else { continue };
            self.write_one(&entry.operations, Some((place, entry)), &mut response);
        }
        self.write_one(&self.policy.operations, None, &mut response);
        if !response.is_empty() {
            self.on_response().edits = response;
        }
    }

    fn write_one(
        &mut self,
        operations: &Operations,
        by: Option<(usize, &Entry)>,
        response: &mut Vec<HeaderEdits>,
    ) {
        let edits = self.fill_changes(&operations.request, by);
        self.push(edits);
        let edits = self.fill_changes(&operations.response, by);
        response.extend((!edits.is_empty()).then_some(edits));
    }

    fn fill_changes(&mut self, changes: &Changes, by: Option<(usize, &Entry)>) -> HeaderEdits {
        if changes.is_empty() {
            return HeaderEdits::default();
        }
        let mut refused = 0;
        let edits = changes.edits(&|placeholder| self.value(placeholder, by), &mut refused);
        self.events.extend((0..refused).map(|_: usize| Event::ValueRefused));
        edits
    }

    fn value(
        &self,
        placeholder: &Placeholder,
        by: Option<(usize, &Entry)>,
    ) -> Option<Cow<'_, [u8]>> {
        let slot = match placeholder {
            Placeholder::Rule => {
                let entry = by.map(|(_, entry)| entry).or_else(|| self.decider())?;
                return Some(Cow::Owned(entry.name.clone().into_bytes()));
            }
            Placeholder::Tag(None) => by.map_or(0, |(_, entry)| entry.slot),
            Placeholder::Tag(Some(header)) => {
                self.policy.owned.iter().position(|name| name.as_str() == header)?
            }
            other => {
                let place = by.map_or(usize::MAX, |(place, _)| place);
                return value(self.policy, self.request, place, other);
            }
        };
        let tag = self.slots.get(slot)?.tag()?;
        Some(Cow::Borrowed(tag.as_str().as_bytes()))
    }

    /// Returns the entry that decided the top-level tag.
    fn decider(&self) -> Option<&Entry> {
        match self.slots.first()? {
            Slot::Decided { entry, .. } => self.policy.entries.get(*entry),
            Slot::Open | Slot::Kept { .. } => None,
        }
    }

    fn write_response(&mut self) {
        let https = self.request.headers.first(":scheme") == Some(b"https");
        if let Some(id) = &self.issued.id {
            let cookies = self.issued.cookies.iter().map(|cookie| cookie.set_cookie(id, https));
            let cookies = cookies.collect();
            self.on_response().cookies = cookies;
        }
        if self.is_asked_why() {
            self.on_response().explanation = Some(self.explanation());
        }
    }

    fn is_asked_why(&self) -> bool {
        let asked = self.request.headers.first(EXPLAIN) == Some(b"1");
        let may = self.policy.explain.as_ref();
        asked && may.is_some_and(|matcher| matcher.sure_match(self.request).is_some())
    }

    fn explanation(&self) -> String {
        let told = self.slots.iter().zip(&self.policy.owned).map(|(slot, name)| match slot {
            Slot::Open => format!("{name}="),
            Slot::Kept { tag, .. } => format!("{name}={tag};rule=inbound"),
            Slot::Decided { entry, chosen } => {
                let rule = self.policy.entries.get(*entry).map_or("", |entry| &entry.name);
                let by = chosen.by.as_ref();
                let by = by.map(|(key, weight)| format!(";key={key};weight={weight}"));
                format!("{name}={};rule={rule}{}", chosen.tag, by.unwrap_or_default())
            }
        });
        told.collect::<Vec<_>>().join(", ")
    }

    fn count(&mut self) {
        let decided = self.slots.iter().any(|slot| matches!(slot, Slot::Decided { .. }));
        let open = self.slots.iter().all(|slot| *slot == Slot::Open);
        self.events.extend(decided.then_some(Event::Tagged));
        self.events.extend(open.then_some(Event::Untagged));
        let mut counts: Vec<Counter> = self.events.iter().map(|event| event.counter()).collect();
        for slot in &self.slots {
            let Slot::Decided { entry, chosen } = slot else { continue };
            let rule = self.policy.rules.get(*entry);
            counts.extend(rule.into_iter().flat_map(|rule| rule.of(Some(chosen.variant))));
        }
        self.decision.counts = counts;
    }

    /// Takes back every change, so that only numbers and filter state tell of the decision.
    fn leave_alone(&mut self) {
        let decision = &mut self.decision;
        if !decision.request.is_empty() || decision.response.is_some() {
            decision.counts.push(Event::DryRun.counter());
        }
        decision.request.clear();
        decision.response = None;
        decision.canaries.clear();
    }

    fn push(&mut self, edits: HeaderEdits) {
        if !edits.is_empty() {
            self.decision.request.push(edits);
        }
    }

    fn on_response(&mut self) -> &mut OnResponse {
        Rc::make_mut(self.decision.response.get_or_insert_default())
    }
}

fn pair(name: &HeaderName, tag: &Tag) -> (HeaderName, Vec<u8>) {
    (name.clone(), tag.as_str().into())
}

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Writes `baggage` anew; one header replaces all, several are added one by one.
pub(super) fn replaced(headers: &[Vec<u8>]) -> HeaderEdits {
    match headers {
        [single] => HeaderEdits { set: vec![(BAGGAGE, single.clone())], ..HeaderEdits::default() },
        several => HeaderEdits {
            remove: vec![BAGGAGE],
            add: several.iter().map(|header| (BAGGAGE, header.clone())).collect(),
            ..HeaderEdits::default()
        },
    }
}
