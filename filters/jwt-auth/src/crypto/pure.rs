//! Signature checks in pure Rust, by the `rust_crypto` provider of `jsonwebtoken`.

use ed25519_dalek::Signature;
use jsonwebtoken::{
    DecodingKey,
    crypto::{JwtVerifier, rust_crypto::DEFAULT_PROVIDER},
};

use super::{Check, Engine};
use crate::{
    algorithm::{Algorithm, Algorithms},
    key::Key,
};

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

/// Checks a signature whose length was checked already.
pub(crate) fn check(key: &Key, algorithm: Algorithm, signature: &Vec<u8>, message: &[u8]) -> Check {
    let valid = match key.ed25519() {
        // The provider is lax about small-order points, so it is not asked.
        Some(key) => Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        None => key
            .verifier(algorithm)
            .is_some_and(|verifier| verifier.verify(message, signature).is_ok()),
    };
    Check { valid, engine: Some(Engine::Pure), host_failed: false }
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
