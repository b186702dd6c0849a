//! Random bits from the proxy.

use std::hash::{BuildHasher, RandomState};

/// Returns 64 random bits that nobody outside this virtual machine can guess.
///
/// They come from WASI `random_get` through the standard library's hash seeds; they suit a seed, a
/// lease's name or a keyed hash, not a cryptographic key.
#[must_use]
pub fn bits() -> u64 {
    RandomState::new().hash_one(())
}
