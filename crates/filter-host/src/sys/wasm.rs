//! A proxy that implements ABI 0.2.1 of Proxy-Wasm.
//!
//! The only module that uses the SDK: its dispatcher routes callbacks to contexts.

use std::hash::{BuildHasher, RandomState};

pub(crate) mod entry;
mod imports;
mod responses;

pub(crate) use imports::*;

/// Returns 64 random bits, derived from WASI `random_get` by the hash seeds of the standard library.
pub(crate) fn random_bits() -> u64 {
    RandomState::new().hash_one(())
}

/// Reads an environment variable of the virtual machine.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
