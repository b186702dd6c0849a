//! Whether one token is good.

use std::{rc::Rc, time::Duration};

use super::{Policy, collect::Presented, judge::Asking};
use crate::{
    cache::{Proof, Remembered, Yield},
    denial::{Challenge, Fault},
    metrics::Metric,
    provider::{MAX_CHECKS, PEER_DIGEST, Provider, Skew},
    rule::Rule,
    token::Token,
};

/// A token, and the provider that vouches for it.
#[derive(Debug)]
pub(super) struct Verified<'p> {
    pub(super) provider: &'p Provider,
    pub(super) index: usize,
    pub(super) token: Rc<Token>,
    pub(super) ready: Rc<Yield>,
}

/// Why a token is not good, and by which provider's account.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) provider: Option<usize>,
    pub(super) challenge: Challenge,
}

/// A token while it is being verified.
struct Candidate<'a> {
    token: &'a Rc<Token>,
    compact: &'a [u8],
    remembered: Option<&'a Remembered>,
    /// How many signature checks are left.
    budget: usize,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, provider: None, challenge: Challenge::default() }
    }
}

impl Policy {
    /// Verifies a token: any provider that serves its place and issuer may vouch for it.
    pub(super) fn verify(
        &self,
        rule: &Rule,
        presented: &Presented<'_>,
        asking: &mut Asking<'_>,
    ) -> Result<Verified<'_>, Failure> {
        let compact = &*presented.compact;
        if compact.len() > self.max_token_bytes {
            return Err(Fault::TOO_LARGE.into());
        }
        let remembered = asking.worker.cache.find(compact, asking.now);
        let token = match &remembered {
            Some(remembered) => Rc::clone(&remembered.token),
            None => Rc::new(Token::parse(compact)?),
        };
        let remembered = remembered.as_ref();
        let mut candidate = Candidate { token: &token, compact, remembered, budget: MAX_CHECKS };
        let mut furthest = Failure::from(Fault::UNKNOWN_ISSUER);
        for (index, provider) in self.candidates(presented, token.claims().text("iss")) {
            let checked = self.check(rule, &mut candidate, index, provider, asking);
            match checked {
                Ok((skew, ready)) => {
                    asking.counts.extend((skew == Skew::Used).then_some(Metric::ClockSkewUsed));
                    return Ok(Verified { provider, index, token: Rc::clone(&token), ready });
                }
                Err(fault) if fault.reason() >= furthest.fault.reason() => {
                    furthest = Failure { provider: Some(index), ..fault.into() };
                }
                Err(_) => {}
            }
        }
        Err(furthest)
    }

    /// Checks a token against one provider: claims, signature, and whether it may be used here.
    fn check(
        &self,
        rule: &Rule,
        candidate: &mut Candidate<'_>,
        index: usize,
        provider: &Provider,
        asking: &mut Asking<'_>,
    ) -> Result<(Skew, Rc<Yield>), Fault> {
        let token = candidate.token;
        let skew = provider.check_claims(token, rule.audiences.as_ref(), asking.now)?;
        let ready = self.prove(candidate, index, provider, asking)?;
        let digest = asking.request.attributes.get(PEER_DIGEST).map(Vec::as_slice);
        provider.check_use(token, digest)?;
        Ok((skew, ready))
    }

    /// Reads a token that nobody verifies, and finds the provider whose outputs it yields.
    pub(super) fn read_unverified(&self, presented: &Presented<'_>) -> Option<Verified<'_>> {
        let compact = &*presented.compact;
        let small = compact.len() <= self.max_token_bytes;
        let token = small.then(|| Token::parse(compact).ok()).flatten()?;
        let found = self.candidates(presented, token.claims().text("iss")).next();
        let (index, provider) = found?;
        let written = provider.outputs.write(&token, compact);
        let ready = Rc::new(Yield { written, identity: None });
        Some(Verified { provider, index, token: Rc::new(token), ready })
    }

    /// Checks the signature, unless it is known what that would say.
    fn prove(
        &self,
        candidate: &mut Candidate<'_>,
        index: usize,
        provider: &Provider,
        asking: &mut Asking<'_>,
    ) -> Result<Rc<Yield>, Fault> {
        let known = candidate.remembered.filter(|remembered| remembered.provider == index);
        match known.map(|remembered| &remembered.proof) {
            Some(Proof::Good(ready)) => {
                asking.counts.push(Metric::TokenCacheHits);
                return Ok(Rc::clone(ready));
            }
            Some(Proof::Bad) => {
                asking.counts.push(Metric::TokenCacheNegativeHits);
                return Err(Fault::BAD_SIGNATURE);
            }
            None => {}
        }
        let (token, compact) = (candidate.token, candidate.compact);
        let budget = &mut candidate.budget;
        let checked = provider
            .check_signature(token, compact, &self.crypto, budget, asking.counts)
            .map(|()| Rc::new(self.make_yield(provider, token, compact)));
        if asking.worker.cache.is_on() {
            asking.counts.push(Metric::TokenCacheMisses);
            remember(candidate, index, provider, &checked, asking);
        }
        checked
    }

    /// Iterates over the providers that may vouch: first those that name the issuer.
    fn candidates<'p>(
        &'p self,
        presented: &Presented<'_>,
        issuer: Option<&str>,
    ) -> impl Iterator<Item = (usize, &'p Provider)> {
        self.by_issuer
            .iter()
            .filter_map(|index| Some((*index, self.providers.get(*index)?)))
            .filter(move |(index, provider)| {
                provider.issuer.serves(issuer) && presented.is_for(*index)
            })
    }
}

/// Remembers a proof; that no key fits is none, because a key may come.
fn remember(
    candidate: &Candidate<'_>,
    index: usize,
    provider: &Provider,
    checked: &Result<Rc<Yield>, Fault>,
    asking: &mut Asking<'_>,
) {
    let proof = match checked {
        Ok(ready) => Proof::Good(Rc::clone(ready)),
        Err(Fault::BAD_SIGNATURE) => Proof::Bad,
        Err(_) => return,
    };
    let token = Rc::clone(candidate.token);
    let expires = token.claims().times().expires.map_or(Duration::MAX, Duration::from_secs);
    let expires = expires.saturating_add(provider.skew());
    let remembered = Remembered { token, provider: index, proof };
    let cache = &mut asking.worker.cache;
    let evicted = cache.remember(candidate.compact, remembered, expires, asking.now);
    asking.counts.extend(evicted);
}
