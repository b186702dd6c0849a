//! Random bits from the proxy.

use crate::sys;

/// Returns 64 random bits that are unpredictable outside this virtual machine.
///
/// Suitable for a seed, the name of a lease or a keyed hash, not for a cryptographic key.
#[must_use]
pub fn bits() -> u64 {
    sys::random_bits()
}
