//! Verification of one token.

use std::{rc::Rc, time::Duration};

use super::{Policy, RequestContext, WaitPolicy, collect::PresentedToken};
use crate::{
    cache::{CachedResult, CachedToken, VerifiedOutputs},
    config::{ColdStart, OnUnavailable},
    denial::{Failure, Pending, Rejection, Wait},
    key_set::KeySet,
    key_source::{Content, Refetch, Source, State},
    metrics::Metric,
    provider::{Budget, Keys, PEER_DIGEST, Provider, Signature, Skew, check_signature},
    rule::Rule,
    token::{Padding, Token},
};

/// A verified token, with its provider and outputs; also an unverified one for `EXTRACT_ONLY`.
#[derive(Debug)]
pub(super) struct Verified<'p> {
    pub(super) provider: &'p Provider,
    /// The index of the provider.
    pub(super) index: usize,
    pub(super) token: Rc<Token>,
    pub(super) outputs: Rc<VerifiedOutputs>,
}

/// A token during verification.
struct Candidate<'a> {
    token: &'a Rc<Token>,
    compact: &'a [u8],
    cached: Option<&'a CachedToken>,
    budget: Budget,
}

impl Policy {
    /// Verifies a token with the providers that serve its location and issuer; one of them must
    /// accept it.
    pub(super) fn verify(
        &self,
        rule: &Rule,
        presented: &PresentedToken<'_>,
        context: &mut RequestContext<'_>,
    ) -> Result<Verified<'_>, Failure> {
        let compact = &*presented.compact;
        if compact.len() > self.max_token_bytes {
            return Err(Rejection::TOO_LARGE.into());
        }
        let now = context.now();
        let cached = context.worker.cache.find(compact, now);
        let token = match &cached {
            Some(cached) => Rc::clone(&cached.token),
            None => Rc::new(Token::parse(compact, self.padding)?),
        };
        let cached = cached.as_ref();
        let budget = Budget::default();
        let mut candidate = Candidate { token: &token, compact, cached, budget };
        let mut reported = Failure::from(token.padded().unwrap_or(Rejection::UNKNOWN_ISSUER));
        for (index, provider) in self.providers_for(presented, &token) {
            match self.check(rule, &mut candidate, index, provider, context) {
                Ok((skew, outputs)) => {
                    context.counts.extend((skew == Skew::Used).then_some(Metric::ClockSkewUsed));
                    return Ok(Verified { provider, index, token: Rc::clone(&token), outputs });
                }
                Err(failure) if reported.is_superseded_by(&failure) => {
                    reported = Failure { provider: Some(index), ..failure };
                }
                Err(_) => {}
            }
        }
        Err(reported)
    }

    /// Checks a token with one provider: claims, signature, binding and revocation.
    fn check(
        &self,
        rule: &Rule,
        candidate: &mut Candidate<'_>,
        index: usize,
        provider: &Provider,
        context: &mut RequestContext<'_>,
    ) -> Result<(Skew, Rc<VerifiedOutputs>), Failure> {
        let token = candidate.token;
        let skew = provider.check_claims(token, rule.audiences.as_ref(), context.now())?;
        let outputs = self.verify_signature(candidate, index, provider, context)?;
        let digest = context.request.attributes.get(PEER_DIGEST).map(Vec::as_slice);
        provider.check_use(token, digest)?;
        check_deny_list(provider, token, context)?;
        Ok((skew, outputs))
    }

    /// Reads a token without verifying it, with the outputs of the first provider that serves it.
    pub(super) fn read_unverified(&self, presented: &PresentedToken<'_>) -> Option<Verified<'_>> {
        let compact = &*presented.compact;
        let is_small = compact.len() <= self.max_token_bytes;
        let token = is_small.then(|| Token::parse(compact, self.padding).ok()).flatten()?;
        let found = self.providers_for(presented, &token).next();
        let (index, provider) = found?;
        let headers = provider.outputs.headers(&token, compact);
        let outputs = Rc::new(VerifiedOutputs { headers, identity: None });
        Some(Verified { provider, index, token: Rc::new(token), outputs })
    }

    /// Verifies the signature, or takes the result from the cache.
    fn verify_signature(
        &self,
        candidate: &mut Candidate<'_>,
        index: usize,
        provider: &Provider,
        context: &mut RequestContext<'_>,
    ) -> Result<Rc<VerifiedOutputs>, Failure> {
        let (keys, generation) = keys_of(provider, context)?;
        let is_current =
            |cached: &&CachedToken| cached.provider == index && cached.generation == generation;
        let cached = candidate.cached.filter(is_current);
        match cached.map(|cached| &cached.result) {
            Some(CachedResult::Valid(outputs)) => {
                context.counts.push(Metric::TokenCacheHits);
                return Ok(Rc::clone(outputs));
            }
            Some(CachedResult::Invalid) => {
                context.counts.push(Metric::TokenCacheNegativeHits);
                candidate.budget.take_all(&keys, candidate.token, &self.crypto);
                return Err(Rejection::BAD_SIGNATURE.into());
            }
            None => {}
        }
        let (token, compact) = (candidate.token, candidate.compact);
        let budget = &mut candidate.budget;
        let signature =
            check_signature(&keys, token, compact, &self.crypto, budget, context.counts);
        context.counts.extend(context.worker.cache.is_on().then_some(Metric::TokenCacheMisses));
        let rejection = match signature {
            Signature::Valid => {
                let outputs = Rc::new(self.verified_outputs(provider, token, compact));
                let result = CachedResult::Valid(Rc::clone(&outputs));
                cache_result(candidate, (index, generation), provider, result, context);
                return Ok(outputs);
            }
            Signature::NoKey => Rejection::KEY_NOT_FOUND,
            Signature::Invalid | Signature::Unfinished => Rejection::BAD_SIGNATURE,
        };
        // Keys without `kid` match every token, but a fetch may return the key with this `kid`.
        let is_key_known =
            signature != Signature::NoKey && keys.names(token.header().key_id.as_deref());
        let pending = if is_key_known { None } else { refetch(provider, context) };
        if signature == Signature::Invalid && pending.is_none() {
            let result = CachedResult::Invalid;
            cache_result(candidate, (index, generation), provider, result, context);
        }
        Err(Failure { pending, ..rejection.into() })
    }

    /// Iterates over the providers that serve a token, exact issuers first.
    fn providers_for<'p>(
        &'p self,
        presented: &PresentedToken<'_>,
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

/// Caches the result of a signature check. Callers must not cache searches that found no key or
/// were not finished.
fn cache_result(
    candidate: &Candidate<'_>,
    (provider_index, generation): (usize, u64),
    provider: &Provider,
    result: CachedResult,
    context: &mut RequestContext<'_>,
) {
    let token = Rc::clone(candidate.token);
    let expires = token.claims().times().expires.map_or(Duration::MAX, Duration::from_secs);
    let expires = expires.saturating_add(provider.skew());
    let cached = CachedToken { token, provider: provider_index, generation, result };
    let now = context.now();
    let evicted = context.worker.cache.insert(candidate.compact, cached, expires, now);
    context.counts.extend(evicted);
}

/// Returns the keys of a provider and their generation.
fn keys_of(
    provider: &Provider,
    context: &RequestContext<'_>,
) -> Result<(Rc<KeySet>, u64), Failure> {
    let index = match &provider.keys {
        Keys::Inline(keys) => return Ok((Rc::clone(keys), 0)),
        Keys::Remote(index) => *index,
    };
    let source = context.worker.sources.get(index).ok_or(Rejection::KEYS_UNAVAILABLE)?;
    match source.state(context.now()) {
        State::Ready(Content::Keys(keys)) => Ok((keys, source.generation())),
        State::Ready(Content::DenyList(_)) | State::Expired => {
            Err(Rejection::KEYS_UNAVAILABLE.into())
        }
        State::Cold => {
            let pending = match source.spec().cold_start {
                ColdStart::Pause => wait_for(index, source, context),
                ColdStart::Deny => None,
                ColdStart::Allow => Some(Pending::ColdStart),
            };
            Err(Failure { pending, ..Rejection::KEYS_UNAVAILABLE.into() })
        }
    }
}

fn wait_for(index: usize, source: &Source, context: &RequestContext<'_>) -> Option<Pending> {
    match context.wait_policy {
        WaitPolicy::MayWait => {
            Some(Pending::Fetch(Wait { source: index, max: source.spec().max_pause }))
        }
        WaitPolicy::DecideNow => None,
    }
}

/// Requests an early fetch of a provider's keys because a token's key is not in the set.
fn refetch(provider: &Provider, context: &mut RequestContext<'_>) -> Option<Pending> {
    let index = provider.keys.source()?;
    if context.wait_policy == WaitPolicy::DecideNow {
        return None;
    }
    let now = context.now();
    let source = context.worker.sources.get_mut(index)?;
    match source.request_refetch(now) {
        Refetch::Fetching => {
            Some(Pending::Fetch(Wait { source: index, max: source.spec().max_pause }))
        }
        Refetch::Limited => {
            context.counts.push(Metric::JwksRefetchLimited);
            None
        }
    }
}

/// Looks a token up in the fetched deny list; needed even after a cache hit.
fn check_deny_list(
    provider: &Provider,
    token: &Token,
    context: &RequestContext<'_>,
) -> Result<(), Failure> {
    let Some(deny_list) = provider.deny_list else { return Ok(()) };
    let id = token.claims().text("jti").ok_or(Rejection::REVOKED)?;
    let source =
        context.worker.sources.get(deny_list.source).ok_or(Rejection::REVOCATION_UNAVAILABLE)?;
    match source.state(context.now()) {
        State::Ready(Content::DenyList(list)) if list.contains(id) => {
            Err(Rejection::REVOKED.into())
        }
        State::Ready(_) => Ok(()),
        State::Cold | State::Expired if deny_list.on_unavailable == OnUnavailable::Allow => Ok(()),
        State::Cold => {
            let may_wait = source.spec().cold_start == ColdStart::Pause;
            let pending = if may_wait { wait_for(deny_list.source, source, context) } else { None };
            Err(Failure { pending, ..Rejection::REVOCATION_UNAVAILABLE.into() })
        }
        State::Expired => Err(Rejection::REVOCATION_UNAVAILABLE.into()),
    }
}
