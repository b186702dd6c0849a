//! What a worker remembers about tokens, so that a signature is checked once.
//!
//! The whole token is the key, compared byte for byte; the map's hash is keyed by random bytes.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    time::Duration,
};

use crate::{metrics::Metric, outputs::Written, token::Token};

/// The memory that all entries may take, whatever the configured size.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How much is remembered, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Entries of both kinds together; 0 turns the cache off.
    pub(crate) size: usize,
    pub(crate) ttl: Duration,
    pub(crate) negative_ttl: Duration,
}

/// What signatures proved lately.
#[derive(Debug)]
pub(crate) struct TokenCache {
    limits: Limits,
    entries: HashMap<Rc<[u8]>, Entry>,
    /// Tokens by their last use, the oldest first.
    order: BTreeMap<u64, Rc<[u8]>>,
    clock: u64,
    bytes: usize,
    negative: usize,
}

#[derive(Debug)]
struct Entry {
    token: Rc<Token>,
    provider: usize,
    generation: u64,
    proof: Proof,
    until: Duration,
    used: u64,
    bytes: usize,
}

/// What a signature check said.
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
    const fn is_bad(&self) -> bool {
        matches!(self, Self::Bad)
    }

    fn weight(&self) -> usize {
        match self {
            Self::Good(ready) => ready.weight(),
            Self::Bad => 0,
        }
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
        Self {
            limits,
            entries: HashMap::new(),
            order: BTreeMap::new(),
            clock: 0,
            bytes: 0,
            negative: 0,
        }
    }

    /// Says whether anything is ever remembered.
    pub(crate) const fn is_on(&self) -> bool {
        self.limits.size > 0
    }

    /// Looks a token up; an entry past its time is dropped.
    pub(crate) fn find(&mut self, compact: &[u8], now: Duration) -> Option<Remembered> {
        let (key, entry) = self.entries.get_key_value(compact)?;
        let key = Rc::clone(key);
        if now >= entry.until {
            self.remove(&key);
            return None;
        }
        self.clock = self.clock.saturating_add(1);
        let clock = self.clock;
        let entry = self.entries.get_mut(compact)?;
        self.order.remove(&entry.used);
        entry.used = clock;
        self.order.insert(clock, key);
        let (provider, generation) = (entry.provider, entry.generation);
        let (token, proof) = (Rc::clone(&entry.token), entry.proof.clone());
        Some(Remembered { token, provider, generation, proof })
    }

    /// Remembers what a signature check said; `expires` ends a good token with its skew.
    pub(crate) fn remember(
        &mut self,
        compact: &[u8],
        remembered: Remembered,
        expires: Duration,
        now: Duration,
    ) -> Vec<Metric> {
        let until = match remembered.proof {
            Proof::Good(_) => now.saturating_add(self.limits.ttl).min(expires),
            Proof::Bad => now.saturating_add(self.limits.negative_ttl),
        };
        let full_of_bad = remembered.proof.is_bad() && self.negative >= self.limits.size / 4;
        if !self.is_on() || until <= now || full_of_bad {
            return Vec::new();
        }
        self.remove(compact);
        let bytes = remembered.token.weight().saturating_add(remembered.proof.weight());
        let bytes = bytes.saturating_add(compact.len());
        let evicted = self.make_room(bytes);
        self.clock = self.clock.saturating_add(1);
        let key: Rc<[u8]> = compact.into();
        self.order.insert(self.clock, Rc::clone(&key));
        self.bytes = self.bytes.saturating_add(bytes);
        self.negative = self.negative.saturating_add(usize::from(remembered.proof.is_bad()));
        let Remembered { token, provider, generation, proof } = remembered;
        let used = self.clock;
        let entry = Entry { token, provider, generation, proof, until, used, bytes };
        self.entries.insert(key, entry);
        vec![Metric::TokenCacheEvictions; evicted]
    }

    fn make_room(&mut self, bytes: usize) -> usize {
        let mut evicted: usize = 0;
        while self.entries.len() >= self.limits.size || self.bytes.saturating_add(bytes) > MAX_BYTES
        {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.remove(&oldest);
            evicted = evicted.saturating_add(1);
        }
        evicted
    }

    fn remove(&mut self, compact: &[u8]) {
        let Some(entry) = self.entries.remove(compact) else { return };
        self.order.remove(&entry.used);
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        self.negative = self.negative.saturating_sub(usize::from(entry.proof.is_bad()));
    }
}

#[cfg(test)]
mod tests;
