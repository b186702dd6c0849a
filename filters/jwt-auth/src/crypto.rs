//! What checks signatures: the proxy where it answers rightly, else pure Rust.

use crate::algorithm::{Algorithm, Algorithms};

pub(crate) mod pure;
mod vectors;

/// Asks the proxy: digest name, DER `SubjectPublicKeyInfo`, signature, message.
///
/// ECDSA signatures are DER (`ECDSA-Sig-Value`); digest names are `sha256`, `sha384`, `sha512`.
pub type HostVerify = fn(digest: &str, key: &[u8], signature: &[u8], message: &[u8]) -> HostAnswer;

/// What the proxy says about a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostAnswer {
    /// Status OK, and the signature is good.
    Valid,
    /// Status OK, and the signature is bad.
    Invalid,
    /// Any other status, or an answer that makes no sense.
    Unavailable,
}

/// The engines that were found to work.
#[derive(Clone, Copy, Debug)]
pub struct Crypto {
    host: Option<HostVerify>,
    by_host: Algorithms,
}

/// The answer to one signature check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Check {
    /// Says whether the signature is good.
    pub valid: bool,
    /// Says who decided; absent where the length alone did.
    pub engine: Option<Engine>,
    /// Says whether the proxy was tester and failed to answer.
    pub host_failed: bool,
}

/// Who decided about a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// The proxy's `verify_signature`.
    Host,
    /// Pure Rust inside the filter.
    Pure,
}

impl Crypto {
    /// Uses pure Rust for everything; ES512 and RSA above 4,096 bits are then not served.
    pub const fn pure() -> Self {
        Self { host: None, by_host: Algorithms::NONE }
    }

    /// Asks `host` for each algorithm that it answers rightly about.
    ///
    /// For every algorithm one signature must verify, and the same with one bit flipped must not.
    pub fn with_host(host: HostVerify) -> Self {
        Self { host: Some(host), by_host: vectors::passing_algorithms(host) }
    }

    /// Believes `host` about `by_host` without having put it to the test.
    #[cfg(test)]
    pub(crate) const fn untested(host: HostVerify, by_host: Algorithms) -> Self {
        Self { host: Some(host), by_host }
    }

    /// Returns the algorithms that the proxy serves; their number is the gauge `host_crypto`.
    pub const fn by_host(&self) -> Algorithms {
        self.by_host
    }

    /// Returns the proxy where it serves `algorithm`.
    pub(crate) fn host_for(&self, algorithm: Algorithm) -> Option<HostVerify> {
        self.host.filter(|_| self.by_host.contains(algorithm))
    }
}
