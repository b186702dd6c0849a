//! Per-worker cache of signature checks.
//!
//! The key is the whole compact token. The hash map is seeded with random bytes.

use std::{rc::Rc, time::Duration};

use crate::{metrics::Metric, outputs::OutputHeaders, token::Token};

mod lru;

use lru::Lru;

/// The maximum memory of valid tokens, for any configured size.
const MAX_VALID_BYTES: usize = 14 * 1024 * 1024;
/// The maximum memory of invalid tokens.
const MAX_INVALID_BYTES: usize = 2 * 1024 * 1024;
/// The number of valid tokens per invalid one in the limits.
const VALID_PER_INVALID: usize = 4;

/// Limits of the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Maximum number of valid tokens; 0 disables the cache. A quarter as many invalid ones are
    /// kept in addition.
    pub(crate) size: usize,
    pub(crate) ttl: Duration,
    pub(crate) negative_ttl: Duration,
}

/// The results of recent signature checks.
///
/// Invalid tokens have separate limits, so that forged tokens cannot evict valid ones.
#[derive(Debug)]
pub(crate) struct TokenCache {
    limits: Limits,
    valid: Lru,
    invalid: Lru,
}

/// The result of a signature check.
#[derive(Clone, Debug)]
pub(crate) enum CachedResult {
    /// A key of the provider verifies the token.
    Valid(Rc<VerifiedOutputs>),
    /// No key of the provider verifies the token.
    Invalid,
}

/// The outputs of a verified token.
#[derive(Debug, Default)]
pub(crate) struct VerifiedOutputs {
    pub(crate) headers: OutputHeaders,
    /// The value of the property `weir.jwt`.
    pub(crate) identity: Option<Rc<[u8]>>,
}

/// A parsed token with the result of its signature check.
#[derive(Clone, Debug)]
pub(crate) struct CachedToken {
    pub(crate) token: Rc<Token>,
    /// The index of the provider.
    pub(crate) provider: usize,
    /// The generation of the provider's key set.
    pub(crate) generation: u64,
    pub(crate) result: CachedResult,
}

impl VerifiedOutputs {
    fn approx_bytes(&self) -> usize {
        let headers = self.headers.entries.iter().map(|(_, value)| value.len());
        headers.sum::<usize>().saturating_add(self.identity.as_ref().map_or(0, |json| json.len()))
    }
}

impl CachedToken {
    fn approx_bytes(&self) -> usize {
        let outputs = match &self.result {
            CachedResult::Valid(outputs) => outputs.approx_bytes(),
            CachedResult::Invalid => 0,
        };
        self.token.approx_bytes().saturating_add(outputs)
    }
}

impl TokenCache {
    pub(crate) fn new(limits: Limits) -> Self {
        let max_invalid = limits.size.div_ceil(VALID_PER_INVALID);
        let valid = Lru::new(limits.size, MAX_VALID_BYTES);
        Self { limits, valid, invalid: Lru::new(max_invalid, MAX_INVALID_BYTES) }
    }

    /// Returns `true` if the cache is enabled.
    pub(crate) const fn is_on(&self) -> bool {
        self.limits.size > 0
    }

    /// Looks a token up; an expired entry is dropped.
    pub(crate) fn find(&mut self, compact: &[u8], now: Duration) -> Option<CachedToken> {
        self.valid.find(compact, now).or_else(|| self.invalid.find(compact, now))
    }

    /// Inserts a token and returns the counters to increment; `expires` is the expiry of a valid
    /// token, including the clock skew.
    pub(crate) fn insert(
        &mut self,
        compact: &[u8],
        cached: CachedToken,
        expires: Duration,
        now: Duration,
    ) -> Vec<Metric> {
        let (lru, other, until) = match cached.result {
            CachedResult::Valid(_) => {
                let until = now.saturating_add(self.limits.ttl).min(expires);
                (&mut self.valid, &mut self.invalid, until)
            }
            CachedResult::Invalid => {
                let until = now.saturating_add(self.limits.negative_ttl);
                (&mut self.invalid, &mut self.valid, until)
            }
        };
        if until <= now {
            return Vec::new();
        }
        other.remove(compact);
        let evicted = lru.insert(compact, cached, until, now);
        vec![Metric::TokenCacheEvictions; evicted]
    }
}

#[cfg(test)]
mod tests;
