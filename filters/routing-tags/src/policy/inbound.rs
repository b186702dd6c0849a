//! Tags that a request brings, and whom to believe.

use std::borrow::Cow;

use filter_core::{HeaderEdits, Headers, Request};

use super::{Policy, decide::Slot, write::replaced};
use crate::{baggage::Baggage, metrics::Event, tag::Tag};

/// A request without what strangers claim, and what is known of its tags.
pub(super) struct Inbound<'r> {
    pub(super) request: Cow<'r, Request>,
    /// The tags that are kept, one place for each header that carries tags.
    pub(super) slots: Vec<Slot>,
    /// Which of those headers are known to be present.
    pub(super) present: Vec<bool>,
    /// Whether the sender may bring tags.
    pub(super) is_trusted: bool,
    /// Whether the member of the baggage is to be taken away.
    pub(super) drops_member: bool,
}

impl Policy {
    /// Believes or forgets what a request says about its tags.
    pub(super) fn inbound<'r>(&self, request: &'r Request, events: &mut Vec<Event>) -> Inbound<'r> {
        let present: Vec<bool> =
            self.owned.iter().map(|name| request.headers.first(name.as_str()).is_some()).collect();
        let members = self.members(&request.headers);
        let hidden = self.hidden(request, &present);
        let mut inbound = Inbound {
            slots: vec![Slot::Open; self.owned.len()],
            is_trusted: false,
            drops_member: !members.is_empty(),
            request: hidden,
            present,
        };
        if !inbound.drops_member && !inbound.present.contains(&true) {
            return inbound;
        }
        // Asked without the tags, so that nobody is trusted because of one.
        let trusts =
            |matcher: &filter_core::Matcher| matcher.sure_match(&inbound.request).is_some();
        inbound.is_trusted = self.trust.as_ref().is_some_and(trusts);
        if !inbound.is_trusted {
            events.extend(inbound.drops_member.then_some(Event::InboundStripped));
            return inbound;
        }
        self.believe(&mut inbound, request, &members, events);
        inbound
    }

    /// Returns the edits of a request's trailers, which remove tags and the member of `baggage`
    /// that carries one. Tags are only read from headers, so trailers from any sender lose theirs.
    #[must_use]
    pub fn trailer_edits(&self, trailers: &Headers) -> Vec<HeaderEdits> {
        if self.mode.is_dry_run() {
            return Vec::new();
        }
        let tags = HeaderEdits { remove: self.owned.clone(), ..HeaderEdits::default() };
        let key = self.baggage_key.as_deref();
        let baggage = key.map(|key| Baggage::new(trailers, key));
        let baggage = baggage.filter(|baggage| !baggage.values().is_empty());
        [Some(tags), baggage.map(|baggage| replaced(&baggage.without()))]
            .into_iter()
            .flatten()
            .collect()
    }

    fn members<'r>(&'r self, headers: &'r Headers) -> Vec<&'r [u8]> {
        let key = self.baggage_key.as_deref();
        key.map(|key| Baggage::new(headers, key).values()).unwrap_or_default()
    }

    fn hidden<'r>(&self, request: &'r Request, present: &[bool]) -> Cow<'r, Request> {
        if !present.contains(&true) {
            return Cow::Borrowed(request);
        }
        let mut hidden = request.clone();
        for name in &self.owned {
            hidden.headers.remove(name.as_str());
        }
        Cow::Owned(hidden)
    }

    fn believe(
        &self,
        inbound: &mut Inbound<'_>,
        request: &Request,
        members: &[&[u8]],
        events: &mut Vec<Event>,
    ) {
        for (slot, name) in self.owned.iter().enumerate() {
            let values: Vec<&[u8]> = request.headers.all(name.as_str()).collect();
            let from_baggage = values.is_empty() && slot == 0;
            let values = if from_baggage { members } else { &values };
            if values.is_empty() {
                continue;
            }
            let tag = single(values);
            events.push(if tag.is_some() { Event::InboundTrusted } else { Event::InboundInvalid });
            let Some(tag) = tag else { continue };
            inbound.request.to_mut().headers.push(name.as_str(), tag.as_str());
            if let Some(slot) = inbound.slots.get_mut(slot) {
                *slot = Slot::Kept { tag, from_baggage };
            }
        }
    }
}

fn single(values: &[&[u8]]) -> Option<Tag> {
    match values {
        [value] => Tag::from_bytes(value),
        _ => None,
    }
}
