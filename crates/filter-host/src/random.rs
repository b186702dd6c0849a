//! Random bits from the proxy.

use std::hash::{BuildHasher, RandomState};

/// Returns 64 unpredictable random bits.
///
/// They come from WASI `random_get` through the standard library's hash seeds. Use them for seeds,
/// lease ids and keyed hashes, not for cryptographic keys.
#[must_use]
pub fn bits() -> u64 {
    RandomState::new().hash_one(())
}
