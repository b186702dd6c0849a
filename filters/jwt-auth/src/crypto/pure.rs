//! Signature checks in pure Rust, by the `rust_crypto` provider of `jsonwebtoken`.

use std::sync::OnceLock;

use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use jsonwebtoken::{
    DecodingKey,
    crypto::{JwtVerifier, rust_crypto::DEFAULT_PROVIDER},
};

use crate::algorithm::{Algorithm, Algorithms};

/// A constant, so that the provider's other half, which signs, is not linked.
const BUILD: fn(&jsonwebtoken::Algorithm, &DecodingKey) -> Built =
    DEFAULT_PROVIDER.verifier_factory;

type Built = jsonwebtoken::errors::Result<Box<dyn JwtVerifier>>;

/// Builds what can be built once per key, for each of `algorithms` that the provider serves.
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

/// Checks as `VerifyingKey::verify_strict` does, without its unpacking of the point `R`.
///
/// The provider is lax about small-order points, so it is not tester.
/// A key of small order was refused before. The plain check compares bytes with a packed point, so
/// that `R` is small exactly if its bytes are those of one of the eight small points.
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
