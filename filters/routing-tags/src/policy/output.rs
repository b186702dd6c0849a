//! The output of an evaluation: header edits, counters and the explanation.

use std::{borrow::Cow, rc::Rc};

use filter_core::{HeaderEdits, HeaderName, Placeholder};

use super::{
    Decision, ResponseChanges,
    decide::{Evaluation, HeaderTag, value},
    inbound_tags::InboundTags,
};
use crate::{
    baggage::Baggage,
    config::EXPLAIN,
    entry::Entry,
    metrics::{Counter, Metric},
    operations::{Changes, Operations},
    tag::Tag,
};

impl HeaderTag {
    pub(super) const fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Undecided => None,
            Self::Kept { tag, .. } => Some(tag),
            Self::Decided { chosen, .. } => Some(&chosen.tag),
        }
    }
}

impl Evaluation<'_, '_, '_> {
    /// Builds the decision.
    pub(super) fn into_decision(mut self, inbound: &InboundTags<'_>) -> Decision {
        self.write_tags(inbound);
        self.write_baggage(inbound);
        self.write_operations();
        self.write_response();
        self.write_counters();
        if self.decision.is_dry_run {
            self.discard_changes();
        }
        self.decision
    }

    fn write_tags(&mut self, inbound: &InboundTags<'_>) {
        let mut edits = HeaderEdits::default();
        let tags = self.tags.iter().zip(&self.policy.tag_headers).zip(&inbound.present);
        for ((tag, name), present) in tags {
            let tag = match tag {
                HeaderTag::Undecided if !self.policy.reads_tags() => {
                    self.decision.strip.push(name.clone());
                    continue;
                }
                HeaderTag::Undecided => None,
                HeaderTag::Kept { from_baggage: false, .. } => continue,
                HeaderTag::Kept { tag, from_baggage: true } => Some(tag),
                HeaderTag::Decided { chosen, .. } => Some(&chosen.tag),
            };
            let is_untrusted = *present && !inbound.is_trusted;
            self.metrics.extend(is_untrusted.then_some(Metric::InboundStripped));
            match tag {
                Some(tag) => edits.set.push((name.clone(), tag.as_str().into())),
                None => edits.remove.extend(present.then(|| name.clone())),
            }
        }
        self.push_request_edits(edits);
        self.decision.filter_state = self.tags.first().and_then(HeaderTag::tag).map(Tag::bytes);
    }

    fn write_baggage(&mut self, inbound: &InboundTags<'_>) {
        let Some(key) = &self.policy.baggage_key else { return };
        let baggage = Baggage::new(&self.request.headers, key);
        let tag = self.tags.first().and_then(HeaderTag::tag);
        let values = baggage.values();
        if tag.is_some_and(|tag| values == [tag.as_str().as_bytes()]) {
            return;
        }
        let headers =
            match tag.filter(|_| baggage.is_well_formed()).map(|tag| baggage.with(tag.as_str())) {
                Some(Ok(headers)) => headers,
                Some(Err(_)) => {
                    self.metrics.push(Metric::BaggageFull);
                    baggage.without()
                }
                None => baggage.without(),
            };
        let has_changed = inbound.has_member || tag.is_some() && baggage.is_well_formed();
        if has_changed {
            let edits = baggage_edits(&headers);
            self.push_request_edits(edits);
        }
    }

    fn write_operations(&mut self) {
        let entries = std::mem::take(&mut self.applied);
        let mut response = Vec::new();
        for index in entries {
            let Some(entry) = self.policy.entries.get(index) else { continue };
            self.apply_operations(&entry.operations, Some((index, entry)), &mut response);
        }
        self.apply_operations(&self.policy.operations, None, &mut response);
        if !response.is_empty() {
            self.response_changes().edits = response;
        }
    }

    /// Applies the operations of an entry, or the top-level ones.
    fn apply_operations(
        &mut self,
        operations: &Operations,
        entry: Option<(usize, &Entry)>,
        response: &mut Vec<HeaderEdits>,
    ) {
        let edits = self.expand_changes(&operations.request, entry);
        self.push_request_edits(edits);
        let edits = self.expand_changes(&operations.response, entry);
        response.extend((!edits.is_empty()).then_some(edits));
    }

    fn expand_changes(&mut self, changes: &Changes, entry: Option<(usize, &Entry)>) -> HeaderEdits {
        if changes.is_empty() {
            return HeaderEdits::default();
        }
        let mut refused = 0;
        let edits = changes.expand(&|placeholder| self.value(placeholder, entry), &mut refused);
        self.metrics.extend((0..refused).map(|_: usize| Metric::ValueRefused));
        edits
    }

    /// Returns the value of a placeholder in the operations of an entry, or in the top-level ones.
    fn value(
        &self,
        placeholder: &Placeholder,
        entry: Option<(usize, &Entry)>,
    ) -> Option<Cow<'_, [u8]>> {
        let header_index = match placeholder {
            Placeholder::Rule => {
                let entry = entry.map(|(_, entry)| entry).or_else(|| self.top_level_entry())?;
                return Some(Cow::Owned(entry.name.clone().into_bytes()));
            }
            Placeholder::Tag(None) => entry.map_or(0, |(_, entry)| entry.header_index),
            Placeholder::Tag(Some(header)) => {
                self.policy.tag_headers.iter().position(|name| name.as_str() == header)?
            }
            Placeholder::Request(_) | Placeholder::Claim(_) | Placeholder::Path(_) => {
                let index = entry.map_or(usize::MAX, |(index, _)| index);
                return value(self.policy, self.request, index, placeholder);
            }
        };
        let tag = self.tags.get(header_index)?.tag()?;
        Some(Cow::Borrowed(tag.as_str().as_bytes()))
    }

    /// Returns the entry that decided the tag of the top-level tag header.
    fn top_level_entry(&self) -> Option<&Entry> {
        match self.tags.first()? {
            HeaderTag::Decided { entry, .. } => self.policy.entries.get(*entry),
            HeaderTag::Undecided | HeaderTag::Kept { .. } => None,
        }
    }

    fn write_response(&mut self) {
        let is_https = self.request.headers.first(":scheme") == Some(b"https");
        if let Some(id) = &self.issued.id {
            let cookies = self.issued.cookies.iter().map(|cookie| cookie.set_cookie(id, is_https));
            let cookies = cookies.collect();
            self.response_changes().cookies = cookies;
        }
        if self.must_explain() {
            self.response_changes().explanation = Some(self.explanation());
        }
    }

    /// Returns `true` if the request asks for an explanation and matches `explain`.
    fn must_explain(&self) -> bool {
        let is_requested = self.request.headers.first(EXPLAIN) == Some(b"1");
        let allowed = self.policy.explain.as_ref();
        is_requested && allowed.is_some_and(|matcher| matcher.sure_match(self.request).is_some())
    }

    fn explanation(&self) -> String {
        let tags = self.tags.iter().zip(&self.policy.tag_headers).map(|(tag, name)| match tag {
            HeaderTag::Undecided => format!("{name}="),
            HeaderTag::Kept { tag, .. } => format!("{name}={tag};rule=inbound"),
            HeaderTag::Decided { entry, chosen } => {
                let rule = self.policy.entries.get(*entry).map_or("", |entry| &entry.name);
                let choice = chosen.key_and_weight.as_ref();
                let choice = choice.map(|(key, weight)| format!(";key={key};weight={weight}"));
                format!("{name}={};rule={rule}{}", chosen.tag, choice.unwrap_or_default())
            }
        });
        tags.collect::<Vec<_>>().join(", ")
    }

    fn write_counters(&mut self) {
        let is_tagged = self.tags.iter().any(|tag| matches!(tag, HeaderTag::Decided { .. }));
        let is_untagged = self.tags.iter().all(|tag| *tag == HeaderTag::Undecided);
        self.metrics.extend(is_tagged.then_some(Metric::Tagged));
        self.metrics.extend(is_untagged.then_some(Metric::Untagged));
        let mut counters: Vec<Counter> =
            self.metrics.iter().map(|metric| metric.counter()).collect();
        for tag in &self.tags {
            let HeaderTag::Decided { entry, chosen } = tag else { continue };
            let rule = self.policy.rules.get(*entry).into_iter();
            counters.extend(rule.flat_map(|rule| rule.of_variant(chosen.variant)));
        }
        self.decision.counters = counters;
    }

    /// Discards the changes of a dry run; counters and filter state stay.
    fn discard_changes(&mut self) {
        let decision = &mut self.decision;
        if !decision.request.is_empty() || decision.response.is_some() {
            decision.counters.push(Metric::DryRun.counter());
        }
        decision.request.clear();
        decision.response = None;
        decision.canaries.clear();
    }

    fn push_request_edits(&mut self, edits: HeaderEdits) {
        if !edits.is_empty() {
            self.decision.request.push(edits);
        }
    }

    fn response_changes(&mut self) -> &mut ResponseChanges {
        Rc::make_mut(self.decision.response.get_or_insert_default())
    }
}

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Returns the edits that replace `baggage` with these headers.
pub(super) fn baggage_edits(headers: &[Vec<u8>]) -> HeaderEdits {
    match headers {
        [single] => HeaderEdits { set: vec![(BAGGAGE, single.clone())], ..HeaderEdits::default() },
        several => HeaderEdits {
            remove: vec![BAGGAGE],
            add: several.iter().map(|header| (BAGGAGE, header.clone())).collect(),
            ..HeaderEdits::default()
        },
    }
}
