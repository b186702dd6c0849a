//! Which tokens a request presents.

use std::borrow::Cow;

use filter_core::Headers;

use super::Policy;
use crate::{
    config::MultipleTokens,
    denial::Fault,
    locations::Found,
    rule::{Place, Rule},
};

/// A token that a request presents, and every place where it is.
#[derive(Debug)]
pub(super) struct Presented<'a> {
    pub(super) compact: Cow<'a, [u8]>,
    pub(super) places: Vec<&'a Place>,
}

impl Presented<'_> {
    /// Says whether `provider` takes tokens from one of the places.
    pub(super) fn is_for(&self, provider: usize) -> bool {
        self.places.iter().any(|place| place.providers.contains(&provider))
    }
}

impl Policy {
    /// Collects the tokens at the places of a rule; the same bytes at two places are one token.
    pub(super) fn collect<'a>(
        &self,
        rule: &'a Rule,
        headers: &'a Headers,
    ) -> Result<Vec<Presented<'a>>, Fault> {
        let mut tokens: Vec<Presented<'a>> = Vec::new();
        for place in &rule.places {
            let compact = match place.location.find(headers) {
                Found::Nothing => continue,
                Found::Several => return Err(Fault::MULTIPLE_TOKENS),
                Found::One(compact) => compact,
            };
            match tokens.iter_mut().find(|token| token.compact == compact) {
                Some(token) => token.places.push(place),
                None => tokens.push(Presented { compact, places: vec![place] }),
            }
        }
        if self.are_too_many(rule, &tokens) { Err(Fault::MULTIPLE_TOKENS) } else { Ok(tokens) }
    }

    fn are_too_many(&self, rule: &Rule, tokens: &[Presented<'_>]) -> bool {
        let of = |provider: &usize| tokens.iter().filter(|token| token.is_for(*provider)).count();
        tokens.len() > self.max_tokens
            || match self.multiple_tokens {
                MultipleTokens::AllValid => false,
                MultipleTokens::Reject if rule.all.is_empty() => tokens.len() > 1,
                MultipleTokens::Reject => rule.all.iter().any(|provider| of(provider) > 1),
            }
    }
}
