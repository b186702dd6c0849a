//! Random bits from the proxy.

use std::hash::{BuildHasher, RandomState};

/// Returns 64 random bits that are unpredictable outside this virtual machine.
///
/// They are derived from WASI `random_get` by the hash seeds of the standard library. Suitable for
/// a seed, the name of a lease or a keyed hash, not for a cryptographic key.
#[must_use]
pub fn bits() -> u64 {
    RandomState::new().hash_one(())
}
