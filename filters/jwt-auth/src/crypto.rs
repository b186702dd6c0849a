//! Signature checks: by the proxy where it answers rightly, else in pure Rust.

use crate::{
    algorithm::{Algorithm, Algorithms},
    der,
    key::Key,
};

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

/// Checks signatures with the engines that were found to work.
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
    /// Says whether the proxy was asked and failed to answer.
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
        Self { host: Some(host), by_host: vectors::answered_rightly(host) }
    }

    /// Returns the algorithms that the proxy serves; their number is the gauge `host_crypto`.
    pub const fn by_host(&self) -> Algorithms {
        self.by_host
    }

    /// Checks `signature` over `message`; `algorithm` must be one that `key` serves.
    pub fn verify(
        &self,
        key: &Key,
        algorithm: Algorithm,
        signature: &Vec<u8>,
        message: &[u8],
    ) -> Check {
        let refused = Check { valid: false, engine: None, host_failed: false };
        if !key.algorithms().contains(algorithm)
            || signature.len() != key.signature_bytes(algorithm)
            || has_zero_half(algorithm, signature)
        {
            return refused;
        }
        let host = self.host.filter(|_| self.by_host.contains(algorithm));
        let Some(host) = host else {
            return pure::check(key, algorithm, signature, message);
        };
        match ask(host, key, algorithm, signature, message) {
            HostAnswer::Unavailable => {
                let check = pure::check(key, algorithm, signature, message);
                Check { host_failed: true, ..check }
            }
            answer => {
                let valid = answer == HostAnswer::Valid;
                Check { valid, engine: Some(Engine::Host), host_failed: false }
            }
        }
    }
}

fn ask(
    host: HostVerify,
    key: &Key,
    algorithm: Algorithm,
    signature: &[u8],
    message: &[u8],
) -> HostAnswer {
    let (digest, info) = (algorithm.digest(), key.public_key_info());
    if is_ecdsa(algorithm) {
        host(digest, info, &der::ecdsa_signature(signature), message)
    } else {
        host(digest, info, signature, message)
    }
}

const fn is_ecdsa(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512)
}

fn has_zero_half(algorithm: Algorithm, signature: &[u8]) -> bool {
    let (r, s) = signature.split_at(signature.len() / 2);
    let zero = |half: &[u8]| half.iter().all(|byte| *byte == 0);
    is_ecdsa(algorithm) && (zero(r) || zero(s))
}

#[cfg(test)]
mod tests;
