//! What a worker remembers about tokens, so that a signature is checked once.
//!
//! The whole token is the key, compared byte for byte; the map's hash is keyed by random bytes.

use std::{rc::Rc, time::Duration};

use crate::{metrics::Metric, outputs::Written, token::Token};

mod shelf;

use shelf::Shelf;

/// The maximum memory of all good tokens, for any configured size.
const MAX_GOOD_BYTES: usize = 14 * 1024 * 1024;
/// The maximum memory of all bad tokens.
const MAX_BAD_BYTES: usize = 2 * 1024 * 1024;
/// The number of good tokens per bad one in the limits.
const GOOD_FOR_ONE_BAD: usize = 4;

/// How much is remembered, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Maximum number of good tokens; 0 turns the cache off. A quarter as many bad ones are kept in
    /// addition.
    pub(crate) size: usize,
    pub(crate) ttl: Duration,
    pub(crate) negative_ttl: Duration,
}

/// What signatures proved lately.
///
/// Bad tokens have limits of their own, so that no forged token displaces a good one.
#[derive(Debug)]
pub(crate) struct TokenCache {
    limits: Limits,
    good: Shelf,
    bad: Shelf,
}

/// The result of a signature check.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// A key of the provider verifies the token, which yields this.
    Good(Rc<Yield>),
    /// No key of the provider does.
    Bad,
}

/// What a verified token yields, ready to be handed on.
#[derive(Debug, Default)]
pub(crate) struct Yield {
    /// The output headers.
    pub(crate) written: Written,
    /// The value of the property `weir.jwt`.
    pub(crate) identity: Option<Rc<[u8]>>,
}

impl Yield {
    fn weight(&self) -> usize {
        let headers = self.written.headers.iter().map(|(_, value)| value.len());
        headers.sum::<usize>().saturating_add(self.identity.as_ref().map_or(0, |json| json.len()))
    }
}

impl Proof {
    fn weight(&self) -> usize {
        match self {
            Self::Good(ready) => ready.weight(),
            Self::Bad => 0,
        }
    }
}

impl Remembered {
    fn weight(&self) -> usize {
        self.token.weight().saturating_add(self.proof.weight())
    }
}

/// A token that was found, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub(crate) token: Rc<Token>,
    pub(crate) provider: usize,
    /// Which of the provider's key sets the proof was made with.
    pub(crate) generation: u64,
    pub(crate) proof: Proof,
}

impl TokenCache {
    pub(crate) fn new(limits: Limits) -> Self {
        let bad = limits.size.div_ceil(GOOD_FOR_ONE_BAD);
        let good = Shelf::new(limits.size, MAX_GOOD_BYTES);
        Self { limits, good, bad: Shelf::new(bad, MAX_BAD_BYTES) }
    }

    /// Returns `true` if the cache is enabled.
    pub(crate) const fn is_on(&self) -> bool {
        self.limits.size > 0
    }

    /// Looks a token up; an entry past its time is dropped.
    pub(crate) fn find(&mut self, compact: &[u8], now: Duration) -> Option<Remembered> {
        self.good.find(compact, now).or_else(|| self.bad.find(compact, now))
    }

    /// Stores the result of a signature check; `expires` is the end of a good token, including the
    /// clock skew.
    pub(crate) fn remember(
        &mut self,
        compact: &[u8],
        remembered: Remembered,
        expires: Duration,
        now: Duration,
    ) -> Vec<Metric> {
        let (shelf, other, until) = match remembered.proof {
            Proof::Good(_) => {
                let until = now.saturating_add(self.limits.ttl).min(expires);
                (&mut self.good, &mut self.bad, until)
            }
            Proof::Bad => {
                let until = now.saturating_add(self.limits.negative_ttl);
                (&mut self.bad, &mut self.good, until)
            }
        };
        if until <= now {
            return Vec::new();
        }
        other.remove(compact);
        let evicted = shelf.put(compact, remembered, until, now);
        vec![Metric::TokenCacheEvictions; evicted]
    }
}

#[cfg(test)]
mod tests;
