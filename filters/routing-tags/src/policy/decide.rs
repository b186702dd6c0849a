//! The decision about a request.

use std::{borrow::Cow, rc::Rc};

use filter_core::{Match, Matches, Placeholder, PlaceholderText, Request};

use super::{Decision, Inputs, Policy};
use crate::{
    canary::{CANARY, Canary},
    entry::{Entry, TagSource},
    metrics::Metric,
    sticky::{IssuedCookies, Key},
    tag::Tag,
};

/// The tag of a tag header.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum HeaderTag {
    /// No tag yet.
    Undecided,
    /// The inbound tag of a trusted client.
    Kept { tag: Tag, from_baggage: bool },
    /// The tag of an entry.
    Decided { entry: usize, chosen: Chosen },
}

/// A tag that an entry has chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chosen {
    pub(super) tag: Tag,
    /// Index of the tag in the entry.
    pub(super) variant: usize,
    /// Source of the key and weight of the tag, for explanations; `None` without a choice.
    pub(super) key_and_weight: Option<(&'static str, f64)>,
}

/// The evaluation of the entries for a request.
pub(super) struct Evaluation<'p, 'w, 'r> {
    pub(super) policy: &'p Policy,
    pub(super) inputs: &'w mut Inputs<'p>,
    pub(super) request: &'r Request,
    /// In the order of [`Policy::tag_headers`].
    pub(super) tags: Vec<HeaderTag>,
    /// Indices of the entries whose header operations apply, in order.
    pub(super) applied: Vec<usize>,
    pub(super) issued: IssuedCookies,
    pub(super) metrics: Vec<Metric>,
    pub(super) decision: Decision,
}

impl Policy {
    /// Decides about a request with all inputs in [`Policy::needs`].
    ///
    /// Equal inputs give equal decisions.
    pub fn decide<'p>(&'p self, request: &Request, inputs: &mut Inputs<'p>) -> Rc<Decision> {
        self.precomputed(request, inputs).unwrap_or_else(|| Rc::new(self.evaluate(request, inputs)))
    }

    /// Decides without precomputed decisions.
    pub(super) fn evaluate<'p>(&'p self, request: &Request, inputs: &mut Inputs<'p>) -> Decision {
        let mut metrics = Vec::new();
        let inbound = self.inbound_tags(request, &mut metrics);
        let mut evaluation = Evaluation {
            policy: self,
            inputs,
            request: &inbound.request,
            tags: inbound.tags.clone(),
            applied: Vec::new(),
            issued: IssuedCookies::default(),
            metrics,
            decision: Decision { is_dry_run: self.mode.is_dry_run(), ..Decision::default() },
        };
        evaluation.evaluate_entries(self.matcher.matches(evaluation.request));
        evaluation.into_decision(&inbound)
    }
}

impl<'r> Evaluation<'_, '_, 'r> {
    fn evaluate_entries(&mut self, matches: Matches<'_, '_>) {
        // If it is unsure whether an entry matches, no later entry decides.
        for index in matches.map_while(Match::sure) {
            let Some(entry) = self.policy.entries.get(index) else { continue };
            if self.tags.get(entry.header_index) == Some(&HeaderTag::Undecided) {
                self.evaluate_entry(index, entry);
            }
            if !self.tags.contains(&HeaderTag::Undecided) {
                return;
            }
        }
    }

    fn evaluate_entry(&mut self, index: usize, entry: &Entry) {
        if entry.schedule.as_ref().is_some_and(|schedule| !schedule.is_active(self.inputs.now)) {
            return;
        }
        if entry.source == TagSource::Nothing {
            self.applied.push(index);
            return;
        }
        let Some(chosen) = self.choose(index, entry) else { return };
        self.applied.push(index);
        if let Some(tag) = self.tags.get_mut(entry.header_index) {
            *tag = HeaderTag::Decided { entry: index, chosen };
        }
    }

    fn choose(&mut self, index: usize, entry: &Entry) -> Option<Chosen> {
        match &entry.source {
            TagSource::Nothing => None,
            TagSource::Literal(tag) => {
                Some(Chosen { tag: tag.clone(), variant: 0, key_and_weight: None })
            }
            TagSource::Template(text) => self.expand(index, text),
            TagSource::Split(split) => {
                let (key, salt) = self.key(entry);
                let variant = match &key {
                    Key::Found(bytes, _) => split.choose_by_key(salt, bytes),
                    Key::Random => split.choose_by_bits((self.inputs.random_bits)()),
                }?;
                let (tag, weight) = split.variants.get(variant)?;
                let key_and_weight = Some((key.source(), f64::from(*weight)));
                Some(Chosen { tag: tag.clone(), variant, key_and_weight })
            }
            TagSource::Canary(canary) => Some(self.choose_canary(index, entry, canary)),
        }
    }

    fn choose_canary(&mut self, index: usize, entry: &Entry, canary: &Canary) -> Chosen {
        let is_rolled_back = (self.inputs.is_rolled_back)(index);
        let weight = self.policy.canary_weight(index, self.inputs.now, is_rolled_back);
        let (key, salt) = self.key(entry);
        let variant = match &key {
            Key::Found(bytes, _) => canary.choose_by_key(weight, salt, bytes),
            Key::Random => Canary::choose_by_bits(weight, (self.inputs.random_bits)()),
        };
        if variant == CANARY {
            self.decision.canaries.push(index);
        }
        let share = if variant == CANARY { weight } else { 10_000_u16.saturating_sub(weight) };
        let key_and_weight = Some((key.source(), f64::from(share) / 100.0));
        Chosen { tag: canary.tag(variant).clone(), variant, key_and_weight }
    }

    /// Returns the key and the salt of an entry.
    fn key<'e>(&mut self, entry: &'e Entry) -> (Key<'r>, &'e str) {
        let Some(sticky) = &entry.sticky else { return (Key::Random, "") };
        let key =
            sticky.key(self.request, &mut self.issued, self.inputs.random_bits, &mut self.metrics);
        (key, &sticky.salt)
    }

    /// Expands a tag with placeholders.
    fn expand(&mut self, index: usize, text: &PlaceholderText) -> Option<Chosen> {
        let value = text.expand(|placeholder| value(self.policy, self.request, index, placeholder));
        let tag = value.and_then(|value| Tag::from_bytes(&value));
        if tag.is_none() {
            self.metrics.push(Metric::TagInvalid);
        }
        Some(Chosen { tag: tag?, variant: 0, key_and_weight: None })
    }
}

/// Returns the value of a placeholder for a request that matched the entry with this index.
pub(super) fn value<'r>(
    policy: &Policy,
    request: &'r Request,
    index: usize,
    placeholder: &Placeholder,
) -> Option<Cow<'r, [u8]>> {
    let Placeholder::Path(name) = placeholder else { return placeholder.of_request(request) };
    let captures = policy.matcher.captures(index, request);
    let captured = captures.into_iter().find(|(variable, _)| variable == name);
    captured.map(|(_, value)| Cow::Owned(value))
}
