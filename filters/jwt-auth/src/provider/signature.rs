//! Search for the key that signed a token.

use crate::{
    crypto::{Crypto, Engine},
    key::{Key, MAX_KEY_COST},
    key_set::KeySet,
    metrics::Metric,
    token::Token,
};

/// The maximum cost of all signature checks of one token, in units of [`Key::cost`].
///
/// It allows 64 checks by the proxy or 8 in pure Rust, about 3 to 8 ms in either case.
const COST_PER_TOKEN: u32 = 64;

/// The remaining cost of signature checks for a token.
///
/// All providers that serve a token share one budget, in their order. The cost depends on keys
/// only, not on cached results, so the same token always gets the same result.
#[derive(Debug)]
pub(crate) struct Budget(u32);

/// The outcome of a search for the key that signed a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signature {
    /// A key verifies the token.
    Valid,
    /// All matching keys were tried, and none verifies the token.
    Invalid,
    /// No key matches the token's `kid` and `alg`.
    NoKey,
    /// The budget was used up before all keys were tried.
    Unfinished,
}

impl Default for Budget {
    fn default() -> Self {
        Self(COST_PER_TOKEN)
    }
}

impl Budget {
    /// Charges the cost of a search in `keys` whose cached outcome is [`Signature::Invalid`].
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

/// Tries the keys that match a token, within the budget.
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
        outcome = Signature::Invalid;
        if is_valid(key, token, compact, crypto, budget, counts) {
            return Signature::Valid;
        }
    }
    outcome
}

fn is_valid(
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
