//! Signature checks with a key.

use super::{Key, Material};
use crate::{
    algorithm::Algorithm,
    crypto::{Check, Crypto, Engine, HostAnswer, HostVerify, pure},
    der,
};

/// The cost of the most expensive check, see [`Key::cost`].
pub(crate) const MAX_KEY_COST: u32 = 8;

/// The size of the largest RSA modulus with a cheap check by the proxy.
const MAX_CHEAP_MODULUS_BYTES: usize = 512;

impl Key {
    /// Returns the cost of a check, relative to a check of RS256 or ES256 by the proxy.
    ///
    /// RSA and ECDSA in pure Rust take about a millisecond, as do ES384 and ES512 in the proxy.
    /// HMAC and Ed25519 are cheap in pure Rust too.
    pub(crate) fn cost(&self, algorithm: Algorithm, crypto: &Crypto) -> u32 {
        let by_host = crypto.host_for(algorithm).is_some();
        match (&self.material, algorithm) {
            (Material::Secret, _) => 1,
            (Material::Ed25519 { .. }, _) => 2,
            (Material::Ec { .. }, Algorithm::Es256) if by_host => 1,
            (Material::Rsa { modulus_bytes }, _)
                if by_host && *modulus_bytes <= MAX_CHEAP_MODULUS_BYTES =>
            {
                1
            }
            (Material::Rsa { .. } | Material::Ec { .. }, _) => MAX_KEY_COST,
        }
    }

    /// Checks `signature` over `message`; it is invalid if the key does not support `algorithm`.
    pub fn verify(
        &self,
        crypto: &Crypto,
        algorithm: Algorithm,
        signature: &Vec<u8>,
        message: &[u8],
    ) -> Check {
        if !self.algorithms.contains(algorithm)
            || signature.len() != self.signature_bytes(algorithm)
            || has_zero_half(algorithm, signature)
        {
            return Check { valid: false, engine: None, host_failed: false };
        }
        let pure = || self.is_valid(algorithm, signature, message);
        let by_pure =
            |host_failed| Check { valid: pure(), engine: Some(Engine::Pure), host_failed };
        let Some(host) = crypto.host_for(algorithm) else { return by_pure(false) };
        match self.call_host(host, algorithm, signature, message) {
            HostAnswer::Unavailable => by_pure(true),
            answer => {
                let valid = answer == HostAnswer::Valid;
                Check { valid, engine: Some(Engine::Host), host_failed: false }
            }
        }
    }

    fn call_host(
        &self,
        host: HostVerify,
        algorithm: Algorithm,
        signature: &[u8],
        message: &[u8],
    ) -> HostAnswer {
        let (digest, info) = (algorithm.digest().name(), self.public_key_info.as_slice());
        if algorithm.is_ecdsa() {
            host(digest, info, &der::ecdsa_signature(signature), message)
        } else {
            host(digest, info, signature, message)
        }
    }

    /// Checks a signature in pure Rust; its length must have been checked.
    pub(crate) fn is_valid(
        &self,
        algorithm: Algorithm,
        signature: &Vec<u8>,
        message: &[u8],
    ) -> bool {
        if let Material::Ed25519 { key } = &self.material {
            return pure::is_ed25519(key, signature, message);
        }
        let found = self.verifiers.iter().find(|(served, _)| *served == algorithm);
        found.is_some_and(|(_, verifier)| verifier.verify(message, signature).is_ok())
    }

    /// Returns the length of a signature in bytes.
    pub(crate) const fn signature_bytes(&self, algorithm: Algorithm) -> usize {
        match (&self.material, algorithm) {
            (Material::Rsa { modulus_bytes }, _) => *modulus_bytes,
            (Material::Ec { curve }, _) => curve.signature_bytes(),
            (Material::Ed25519 { .. }, _) => 64,
            (Material::Secret, algorithm) => algorithm.digest().bytes(),
        }
    }
}

fn has_zero_half(algorithm: Algorithm, signature: &[u8]) -> bool {
    let (r, s) = signature.split_at(signature.len() / 2);
    let is_zero = |half: &[u8]| half.iter().all(|byte| *byte == 0);
    algorithm.is_ecdsa() && (is_zero(r) || is_zero(s))
}

#[cfg(test)]
mod tests;
