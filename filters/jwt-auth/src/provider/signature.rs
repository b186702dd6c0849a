//! The search for the key that signed a token.

use crate::{
    crypto::{Crypto, Engine},
    key::{Key, MAX_KEY_COST},
    key_set::KeySet,
    metrics::Metric,
    token::Token,
};

/// The cost of all signature checks of one token, in units of [`Key::cost`].
///
/// It allows 64 checks by the proxy or 8 in pure Rust, about 3 to 8 ms either way.
const COST_PER_TOKEN: u32 = 64;

/// The signature checks that are left for a token.
///
/// Providers of one issuer share it, in their order. The cost of a provider depends on its keys and
/// not on cached results, so the same token always gets the same result.
#[derive(Debug)]
pub(crate) struct Budget(u32);

/// The outcome of a search for the key that signed a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signature {
    /// A key verifies it.
    Good,
    /// Every fitting key was tried, and none verifies it.
    Bad,
    /// No key fits the token's `kid` and `alg`.
    NoKey,
    /// The budget ended before all keys were tried.
    Unfinished,
}

impl Default for Budget {
    fn default() -> Self {
        Self(COST_PER_TOKEN)
    }
}

impl Budget {
    /// Charges the cost of a search among `keys` whose outcome is known to be [`Signature::Bad`].
    pub(crate) fn take_all(&mut self, keys: &KeySet, token: &Token, crypto: &Crypto) {
        let header = token.header();
        for key in keys.candidates(header.key_id.as_deref(), header.algorithm) {
            self.take(key.cost(header.algorithm, crypto));
        }
    }

    fn take(&mut self, cost: u32) -> bool {
        let left = self.0.checked_sub(cost);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// Tries the keys that fit a token, within the budget.
pub(crate) fn check_signature(
    keys: &KeySet,
    token: &Token,
    compact: &[u8],
    crypto: &Crypto,
    budget: &mut Budget,
    counts: &mut Vec<Metric>,
) -> Signature {
    let header = token.header();
    let mut outcome = Signature::NoKey;
    for key in keys.candidates(header.key_id.as_deref(), header.algorithm) {
        if !budget.take(key.cost(header.algorithm, crypto)) {
            counts.push(Metric::KeyChecksLimited);
            return Signature::Unfinished;
        }
        outcome = Signature::Bad;
        if is_good(key, token, compact, crypto, budget, counts) {
            return Signature::Good;
        }
    }
    outcome
}

fn is_good(
    key: &Key,
    token: &Token,
    compact: &[u8],
    crypto: &Crypto,
    budget: &mut Budget,
    counts: &mut Vec<Metric>,
) -> bool {
    let check =
        key.verify(crypto, token.header().algorithm, token.signature(), token.signed(compact));
    counts.extend(check.engine.map(|engine| match engine {
        Engine::Host => Metric::VerifyHost,
        Engine::Pure => Metric::VerifyPure,
    }));
    if check.host_failed {
        counts.push(Metric::HostCryptoErrors);
        // The check fell back to pure Rust.
        budget.take(MAX_KEY_COST);
    }
    check.valid
}

#[cfg(test)]
mod tests;
