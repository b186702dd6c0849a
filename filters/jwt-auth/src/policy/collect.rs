//! Collection of the tokens in a request.

use std::borrow::Cow;

use filter_core::Headers;

use super::Policy;
use crate::{
    config::MultipleTokens,
    denial::Rejection,
    locations::Found,
    rule::{Rule, TokenLocation},
};

/// A token in a request, and its locations.
#[derive(Debug)]
pub(super) struct PresentedToken<'a> {
    pub(super) compact: Cow<'a, [u8]>,
    pub(super) locations: Vec<&'a TokenLocation>,
}

impl PresentedToken<'_> {
    /// Returns `true` if `provider` accepts tokens from one of the locations.
    pub(super) fn is_for(&self, provider: usize) -> bool {
        self.locations.iter().any(|location| location.providers.contains(&provider))
    }
}

impl Policy {
    /// Collects the tokens at the locations of a rule; equal tokens at several locations count
    /// once.
    pub(super) fn collect<'a>(
        &self,
        rule: &'a Rule,
        headers: &'a Headers,
    ) -> Result<Vec<PresentedToken<'a>>, Rejection> {
        let mut tokens: Vec<PresentedToken<'a>> = Vec::new();
        for location in &rule.locations {
            let compact = match location.location.find(headers) {
                Found::Nothing => continue,
                Found::Several => return Err(Rejection::MULTIPLE_TOKENS),
                Found::One(compact) => compact,
            };
            match tokens.iter_mut().find(|token| token.compact == compact) {
                Some(token) => token.locations.push(location),
                None => tokens.push(PresentedToken { compact, locations: vec![location] }),
            }
        }
        if self.has_too_many(rule, &tokens) { Err(Rejection::MULTIPLE_TOKENS) } else { Ok(tokens) }
    }

    fn has_too_many(&self, rule: &Rule, tokens: &[PresentedToken<'_>]) -> bool {
        let count =
            |provider: &usize| tokens.iter().filter(|token| token.is_for(*provider)).count();
        tokens.len() > self.max_tokens
            || match self.multiple_tokens {
                MultipleTokens::AllValid => false,
                MultipleTokens::Reject if rule.all.is_empty() => tokens.len() > 1,
                MultipleTokens::Reject => rule.all.iter().any(|provider| count(provider) > 1),
            }
    }
}
