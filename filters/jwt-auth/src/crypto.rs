//! Engines for signatures: the proxy for algorithms that pass a test, otherwise pure Rust.

use crate::algorithm::{Algorithm, Algorithms};

pub(crate) mod pure;
mod vectors;

/// A call of the proxy's `verify_signature`; the key is a DER `SubjectPublicKeyInfo`.
///
/// ECDSA signatures are DER (`ECDSA-Sig-Value`); digest names are `sha256`, `sha384`, `sha512`.
pub type HostVerify = fn(digest: &str, key: &[u8], signature: &[u8], message: &[u8]) -> HostAnswer;

/// The proxy's answer about a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostAnswer {
    /// The signature is valid.
    Valid,
    /// The signature is invalid.
    Invalid,
    /// The call failed, or its answer is malformed.
    Unavailable,
}

/// The available engines.
#[derive(Clone, Copy, Debug)]
pub struct Crypto {
    host: Option<HostVerify>,
    by_host: Algorithms,
}

/// The result of a signature check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Check {
    /// `true` if the signature is valid.
    pub valid: bool,
    /// The engine that checked it; `None` if key, length or value ruled the signature out.
    pub engine: Option<Engine>,
    /// `true` if the proxy failed to answer.
    pub host_failed: bool,
}

/// An engine for signatures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// The proxy's `verify_signature`.
    Host,
    /// Pure Rust in the filter.
    Pure,
}

impl Crypto {
    /// Creates an engine in pure Rust, without ES512 and RSA above 4,096 bits.
    pub const fn pure() -> Self {
        Self { host: None, by_host: Algorithms::NONE }
    }

    /// Creates an engine that calls `host` for each algorithm that passes a known-answer test.
    ///
    /// `host` must accept one signature of the algorithm and refuse it with one bit flipped.
    pub fn with_host(host: HostVerify) -> Self {
        Self { host: Some(host), by_host: vectors::passing_algorithms(host) }
    }

    /// Creates an engine that calls `host` for `by_host` without testing it.
    #[cfg(test)]
    pub(crate) const fn untested(host: HostVerify, by_host: Algorithms) -> Self {
        Self { host: Some(host), by_host }
    }

    /// Returns the algorithms that the proxy verifies.
    pub const fn by_host(&self) -> Algorithms {
        self.by_host
    }

    /// Returns the call to the proxy if it verifies `algorithm`.
    pub(crate) fn host_for(&self, algorithm: Algorithm) -> Option<HostVerify> {
        self.host.filter(|_| self.by_host.contains(algorithm))
    }
}
