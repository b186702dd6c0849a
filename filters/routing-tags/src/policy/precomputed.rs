//! Decisions that are computed with the configuration.
//!
//! If the output depends only on the tag of an entry, it is the same for all requests that get the
//! tag, so it is not built for each request.

use std::rc::Rc;

use filter_core::{HeaderEdits, Request};

use super::{Decision, Inputs, Policy};
use crate::{
    canary::{CANARY, Canary},
    entry::{Entry, TagSource},
    metrics::Metric,
    tag::Tag,
};

/// The decisions of an entry, indexed by variant; empty if they depend on the request.
pub(super) type Precomputed = Vec<Rc<Decision>>;

impl Policy {
    /// Computes the decisions that do not depend on a request.
    pub(super) fn precompute(&mut self) {
        if !self.can_precompute() {
            return;
        }
        let entries = self.entries.iter().enumerate();
        self.precomputed =
            entries.map(|(index, entry)| self.precompute_entry(index, entry)).collect();
        self.untagged = Some(Rc::new(Decision {
            strip: if self.reads_tags() { Vec::new() } else { self.tag_headers.clone() },
            counters: vec![Metric::Untagged.counter()],
            ..Decision::default()
        }));
    }

    /// Returns the precomputed decision about a request, `None` if it must be evaluated.
    pub(super) fn precomputed<'p>(
        &'p self,
        request: &Request,
        inputs: &mut Inputs<'p>,
    ) -> Option<Rc<Decision>> {
        let untagged = self.untagged.as_ref()?;
        if self.tag_headers.iter().any(|name| request.headers.first(name.as_str()).is_some()) {
            return None;
        }
        let Some(index) = self.matcher.sure_match(request) else {
            return Some(Rc::clone(untagged));
        };
        let decisions = self.precomputed.get(index).filter(|decisions| !decisions.is_empty())?;
        let variant = self.variant(index, request, inputs)?;
        decisions.get(variant).cloned()
    }

    /// Chooses a tag of an entry. Returns `None` if the key is missing, as a cookie may have to be
    /// issued.
    fn variant<'p>(
        &'p self,
        index: usize,
        request: &Request,
        inputs: &mut Inputs<'p>,
    ) -> Option<usize> {
        let entry = self.entries.get(index)?;
        let key = match &entry.sticky {
            Some(sticky) => Some((sticky.hash.key(request)?, &*sticky.salt)),
            None => None,
        };
        match &entry.source {
            TagSource::Nothing | TagSource::Template(_) => None,
            TagSource::Literal(_) => Some(0),
            TagSource::Split(split) => match key {
                Some((key, salt)) => split.choose_by_key(salt, &key.bytes),
                None => split.choose_by_bits((inputs.random_bits)()),
            },
            TagSource::Canary(canary) => {
                let is_rolled_back = (inputs.is_rolled_back)(index);
                let weight = self.canary_weight(index, inputs.now, is_rolled_back);
                Some(match key {
                    Some((key, salt)) => canary.choose_by_key(weight, salt, &key.bytes),
                    None => Canary::choose_by_bits(weight, (inputs.random_bits)()),
                })
            }
        }
    }

    /// Returns `true` if the output depends only on the entry and its tag.
    fn can_precompute(&self) -> bool {
        let [name] = self.tag_headers.as_slice() else { return false };
        !self.mode.is_dry_run()
            && self.trust.is_none()
            && self.explain.is_none()
            && self.baggage_key.is_none()
            && self.operations.is_empty()
            && !self.matcher.needs().headers.contains(name.as_str())
    }

    fn precompute_entry(&self, index: usize, entry: &Entry) -> Precomputed {
        if entry.schedule.is_some() || !entry.operations.is_empty() {
            return Vec::new();
        }
        let tags = entry.source.tags().into_iter().enumerate();
        let decisions = tags.map(|(variant, tag)| {
            let is_canary = entry.source.canary().is_some() && variant == CANARY;
            let canaries = if is_canary { vec![index] } else { Vec::new() };
            Rc::new(Decision { canaries, ..self.precompute_tag(index, variant, tag) })
        });
        decisions.collect()
    }

    fn precompute_tag(&self, index: usize, variant: usize, tag: &Tag) -> Decision {
        let mut counters = vec![Metric::Tagged.counter()];
        let rule = self.rules.get(index).into_iter();
        counters.extend(rule.flat_map(|rule| rule.of_variant(variant)));
        let header = self.tag_headers.first().cloned();
        let set = header.map(|header| (header, tag.as_str().into())).into_iter().collect();
        Decision {
            request: vec![HeaderEdits { set, ..HeaderEdits::default() }],
            counters,
            filter_state: Some(tag.bytes()),
            ..Decision::default()
        }
    }
}
