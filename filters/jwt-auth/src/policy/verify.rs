//! Whether one token is good.

use std::{rc::Rc, time::Duration};

use super::{Policy, Worker, collect::Presented};
use crate::{
    denial::Fault,
    metrics::Metric,
    provider::{MAX_CHECKS, Provider, Skew},
    token::Token,
};

/// A token that a provider vouches for.
#[derive(Debug)]
pub(super) struct Verified<'p> {
    pub(super) provider: &'p Provider,
    pub(super) token: Rc<Token>,
}

/// Why a token is not good, and by which provider's account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) provider: Option<usize>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, provider: None }
    }
}

impl Policy {
    /// Verifies a token: any provider that serves its place and issuer may vouch for it.
    pub(super) fn verify(
        &self,
        _worker: &mut Worker,
        presented: &Presented<'_>,
        now: Duration,
        counts: &mut Vec<Metric>,
    ) -> Result<Verified<'_>, Failure> {
        let compact = &*presented.compact;
        if compact.len() > self.max_token_bytes {
            return Err(Fault::TOO_LARGE.into());
        }
        let token = Rc::new(Token::parse(compact)?);
        let mut furthest = Failure::from(Fault::UNKNOWN_ISSUER);
        let mut budget = MAX_CHECKS;
        for index in self.candidates(presented, token.claims().text("iss")) {
            let Some(provider) = self.providers.get(index) else { continue };
            let checked = provider.check_claims(&token, None, now).and_then(|skew| {
                provider.check_signature(&token, compact, &self.crypto, &mut budget, counts)?;
                Ok(skew)
            });
            match checked {
                Ok(skew) => {
                    counts.extend((skew == Skew::Used).then_some(Metric::ClockSkewUsed));
                    return Ok(Verified { provider, token: Rc::clone(&token) });
                }
                Err(fault) if fault.reason() >= furthest.fault.reason() => {
                    furthest = Failure { fault, provider: Some(index) };
                }
                Err(_) => {}
            }
        }
        Err(furthest)
    }

    /// Iterates over the providers that may vouch: first those that name the issuer.
    fn candidates(
        &self,
        presented: &Presented<'_>,
        issuer: Option<&str>,
    ) -> impl Iterator<Item = usize> {
        self.by_issuer.iter().copied().filter(move |index| {
            let serves = |provider: &Provider| provider.issuer.serves(issuer);
            self.providers.get(*index).is_some_and(serves) && presented.is_for(*index)
        })
    }
}
