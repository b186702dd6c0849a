//! Signature checks in pure Rust, with the `rust_crypto` provider of `jsonwebtoken`.

use std::sync::OnceLock;

use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use jsonwebtoken::{
    DecodingKey,
    crypto::{JwtVerifier, rust_crypto::DEFAULT_PROVIDER},
};

use crate::algorithm::{Algorithm, Algorithms};

/// A constant, so that the signing half of the provider is not linked.
const BUILD: fn(&jsonwebtoken::Algorithm, &DecodingKey) -> Built =
    DEFAULT_PROVIDER.verifier_factory;

type Built = jsonwebtoken::errors::Result<Box<dyn JwtVerifier>>;

/// Builds the verifiers of a key for those of `algorithms` that the provider supports.
pub(crate) fn verifiers(
    algorithms: Algorithms,
    key: &DecodingKey,
) -> Vec<(Algorithm, Box<dyn JwtVerifier>)> {
    let build = |algorithm| {
        let named = provider_name(algorithm)?;
        let verifier = BUILD(&named, key).ok()?;
        Some((algorithm, verifier))
    };
    algorithms.iter().filter_map(build).collect()
}

/// Verifies an Ed25519 signature like `VerifyingKey::verify_strict`, without decompressing `R`.
///
/// The provider accepts points of small order, so it is not used. Keys of small order were refused
/// before. `verify` compares `R` with a compressed point, so `R` is of small order exactly if its
/// bytes are those of one of the eight small-order points.
pub(crate) fn is_ed25519(key: &VerifyingKey, signature: &[u8], message: &[u8]) -> bool {
    static SMALL: OnceLock<[[u8; 32]; 8]> = OnceLock::new();
    let small = SMALL.get_or_init(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));
    Signature::from_slice(signature).is_ok_and(|signature| {
        !small.contains(signature.r_bytes()) && key.verify(message, &signature).is_ok()
    })
}

const fn provider_name(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    use jsonwebtoken::Algorithm as Named;
    match algorithm {
        Algorithm::Rs256 => Some(Named::RS256),
        Algorithm::Rs384 => Some(Named::RS384),
        Algorithm::Rs512 => Some(Named::RS512),
        Algorithm::Ps256 => Some(Named::PS256),
        Algorithm::Ps384 => Some(Named::PS384),
        Algorithm::Ps512 => Some(Named::PS512),
        Algorithm::Es256 => Some(Named::ES256),
        Algorithm::Es384 => Some(Named::ES384),
        Algorithm::Hs256 => Some(Named::HS256),
        Algorithm::Hs384 => Some(Named::HS384),
        Algorithm::Hs512 => Some(Named::HS512),
        Algorithm::Es512 | Algorithm::EdDsa => None,
    }
}
