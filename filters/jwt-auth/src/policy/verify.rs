//! Whether one token is good.

use std::{rc::Rc, time::Duration};

use super::{Patience, Policy, Wait, asking::Asking, collect::Presented};
use crate::{
    cache::{Proof, Remembered, Yield},
    config::{ColdStart, OnUnavailable},
    denial::{Challenge, Fault},
    key_set::KeySet,
    key_source::{Content, Hope, Source, State},
    metrics::Metric,
    provider::{Budget, Keys, PEER_DIGEST, Provider, Signature, Skew, check_signature},
    rule::Rule,
    token::{Padding, Token},
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
    pub(super) challenge: Box<Challenge>,
    pub(super) lack: Lack,
}

/// What is missing to decide about a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lack {
    /// Nothing: the token is not good.
    Nothing,
    /// A document that may come.
    Wait(Wait),
    /// A key set without which requests are to pass.
    Cold,
}

/// Why one provider does not vouch for a token.
pub(super) struct Objection {
    pub(super) fault: Fault,
    pub(super) lack: Lack,
}

impl From<Fault> for Objection {
    fn from(fault: Fault) -> Self {
        Self { fault, lack: Lack::Nothing }
    }
}

/// A token while it is being verified.
struct Candidate<'a> {
    token: &'a Rc<Token>,
    compact: &'a [u8],
    remembered: Option<&'a Remembered>,
    budget: Budget,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, provider: None, challenge: Box::default(), lack: Lack::Nothing }
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
            None => Rc::new(Token::parse(compact, self.padding)?),
        };
        let remembered = remembered.as_ref();
        let budget = Budget::default();
        let mut candidate = Candidate { token: &token, compact, remembered, budget };
        let mut furthest = Failure::from(token.padded().unwrap_or(Fault::UNKNOWN_ISSUER));
        for (index, provider) in self.candidates(presented, &token) {
            let checked = self.check(rule, &mut candidate, index, provider, asking);
            match checked {
                Ok((skew, ready)) => {
                    asking.counts.extend((skew == Skew::Used).then_some(Metric::ClockSkewUsed));
                    return Ok(Verified { provider, index, token: Rc::clone(&token), ready });
                }
                Err(objection) if furthest.is_outdone_by(&objection) => {
                    let Objection { fault, lack } = objection;
                    furthest = Failure { provider: Some(index), lack, ..fault.into() };
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
    ) -> Result<(Skew, Rc<Yield>), Objection> {
        let token = candidate.token;
        let skew = provider.check_claims(token, rule.audiences.as_ref(), asking.now)?;
        let ready = self.prove(candidate, index, provider, asking)?;
        let digest = asking.request.attributes.get(PEER_DIGEST).map(Vec::as_slice);
        provider.check_use(token, digest)?;
        check_deny_list(provider, token, asking)?;
        Ok((skew, ready))
    }

    /// Reads a token that nobody verifies, and finds the provider whose outputs it yields.
    pub(super) fn read_unverified(&self, presented: &Presented<'_>) -> Option<Verified<'_>> {
        let compact = &*presented.compact;
        let small = compact.len() <= self.max_token_bytes;
        let token = small.then(|| Token::parse(compact, self.padding).ok()).flatten()?;
        let found = self.candidates(presented, &token).next();
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
    ) -> Result<Rc<Yield>, Objection> {
        let (keys, generation) = keys_of(provider, asking)?;
        let current =
            |known: &&Remembered| known.provider == index && known.generation == generation;
        let known = candidate.remembered.filter(current);
        match known.map(|remembered| &remembered.proof) {
            Some(Proof::Good(ready)) => {
                asking.counts.push(Metric::TokenCacheHits);
                return Ok(Rc::clone(ready));
            }
            Some(Proof::Bad) => {
                asking.counts.push(Metric::TokenCacheNegativeHits);
                candidate.budget.take_all(&keys, candidate.token, &self.crypto);
                return Err(Fault::BAD_SIGNATURE.into());
            }
            None => {}
        }
        let (token, compact) = (candidate.token, candidate.compact);
        let budget = &mut candidate.budget;
        let signature = check_signature(&keys, token, compact, &self.crypto, budget, asking.counts);
        asking.counts.extend(asking.worker.cache.is_on().then_some(Metric::TokenCacheMisses));
        let fault = match signature {
            Signature::Good => {
                let ready = Rc::new(self.make_yield(provider, token, compact));
                let proof = Proof::Good(Rc::clone(&ready));
                remember(candidate, (index, generation), provider, proof, asking);
                return Ok(ready);
            }
            Signature::NoKey => Fault::KEY_NOT_FOUND,
            Signature::Bad | Signature::Unfinished => Fault::BAD_SIGNATURE,
        };
        // Keys without `kid` fit every token, but a fetch may bring the named key.
        let lack = match keys.names(token.header().key_id.as_deref()) {
            true if signature != Signature::NoKey => Lack::Nothing,
            _ => missing_key(provider, asking),
        };
        if signature == Signature::Bad && lack == Lack::Nothing {
            remember(candidate, (index, generation), provider, Proof::Bad, asking);
        }
        Err(Objection { fault, lack })
    }

    /// Iterates over the providers that may vouch: first those that name the issuer.
    fn candidates<'p>(
        &'p self,
        presented: &Presented<'_>,
        token: &Token,
    ) -> impl Iterator<Item = (usize, &'p Provider)> {
        let issuer = token.claims().text("iss");
        let is_padded = token.padded().is_some();
        self.by_issuer
            .iter()
            .filter_map(|index| Some((*index, self.providers.get(*index)?)))
            .filter(move |(index, provider)| {
                provider.issuer.serves(issuer)
                    && presented.is_for(*index)
                    && (!is_padded || provider.padding == Padding::Accepted)
            })
    }
}

/// Caches a result. A missing key or an untried one proves nothing.
fn remember(
    candidate: &Candidate<'_>,
    (provider_index, generation): (usize, u64),
    provider: &Provider,
    proof: Proof,
    asking: &mut Asking<'_>,
) {
    let token = Rc::clone(candidate.token);
    let expires = token.claims().times().expires.map_or(Duration::MAX, Duration::from_secs);
    let expires = expires.saturating_add(provider.skew());
    let remembered = Remembered { token, provider: provider_index, generation, proof };
    let cache = &mut asking.worker.cache;
    let evicted = cache.remember(candidate.compact, remembered, expires, asking.now);
    asking.counts.extend(evicted);
}

impl Failure {
    /// Says whether another provider came further, or may yet vouch for the token.
    fn is_outdone_by(&self, objection: &Objection) -> bool {
        match (self.lack, objection.lack) {
            (Lack::Wait(_), _) => false,
            (_, Lack::Wait(_)) => true,
            _ => objection.fault.reason() >= self.fault.reason(),
        }
    }
}

/// Returns the keys of a provider and the number of their generation.
fn keys_of(provider: &Provider, asking: &Asking<'_>) -> Result<(Rc<KeySet>, u64), Objection> {
    let index = match &provider.keys {
        Keys::Inline(keys) => return Ok((Rc::clone(keys), 0)),
        Keys::Remote(index) => *index,
    };
    let source = asking.worker.sources.get(index).ok_or(Fault::KEYS_UNAVAILABLE)?;
    match source.state(asking.now) {
        State::Ready(Content::Keys(keys)) => Ok((keys, source.generation())),
        State::Ready(Content::DenyList(_)) | State::Dropped => Err(Fault::KEYS_UNAVAILABLE.into()),
        State::Cold => {
            let lack = match source.spec().cold_start {
                ColdStart::Pause => wait_for(index, source, asking),
                ColdStart::Deny => Lack::Nothing,
                ColdStart::Allow => Lack::Cold,
            };
            Err(Objection { fault: Fault::KEYS_UNAVAILABLE, lack })
        }
    }
}

fn wait_for(index: usize, source: &Source, asking: &Asking<'_>) -> Lack {
    match asking.patience {
        Patience::Waits => Lack::Wait(Wait { source: index, at_most: source.spec().max_pause }),
        Patience::Spent => Lack::Nothing,
    }
}

/// Returns the missing key if the key named by a token is not in the set: a fetch may bring it.
fn missing_key(provider: &Provider, asking: &mut Asking<'_>) -> Lack {
    match provider.keys {
        Keys::Inline(_) => Lack::Nothing,
        Keys::Remote(index) => hope_for(index, asking),
    }
}

fn hope_for(index: usize, asking: &mut Asking<'_>) -> Lack {
    let (now, patience) = (asking.now, asking.patience);
    let Some(source) = asking.worker.sources.get_mut(index) else { return Lack::Nothing };
    if patience == Patience::Spent {
        return Lack::Nothing;
    }
    match source.ask(now) {
        Hope::Fetching => Lack::Wait(Wait { source: index, at_most: source.spec().max_pause }),
        Hope::Limited => {
            asking.counts.push(Metric::JwksRefetchLimited);
            Lack::Nothing
        }
    }
}

/// Looks a token up in the deny list that is fetched; done on every request, cache hit or not.
fn check_deny_list(
    provider: &Provider,
    token: &Token,
    asking: &Asking<'_>,
) -> Result<(), Objection> {
    let Some(wanted) = provider.deny_list else { return Ok(()) };
    let id = token.claims().text("jti").ok_or(Fault::REVOKED)?;
    let source = asking.worker.sources.get(wanted.source).ok_or(Fault::REVOCATION_UNAVAILABLE)?;
    let state = source.state(asking.now);
    match state {
        State::Ready(Content::DenyList(list)) if list.contains(id) => Err(Fault::REVOKED.into()),
        State::Ready(_) => Ok(()),
        _ if wanted.on_unavailable == OnUnavailable::Allow => Ok(()),
        State::Cold => {
            let waits = source.spec().cold_start == ColdStart::Pause;
            let lack = if waits { wait_for(wanted.source, source, asking) } else { Lack::Nothing };
            Err(Objection { fault: Fault::REVOCATION_UNAVAILABLE, lack })
        }
        State::Dropped => Err(Fault::REVOCATION_UNAVAILABLE.into()),
    }
}
