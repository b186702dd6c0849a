//! Keys that verify signatures, validated before use.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use jsonwebtoken::{DecodingKey, crypto::JwtVerifier};

use crate::{
    algorithm::{Algorithm, Algorithms},
    config::SecretEncoding,
    crypto::{Crypto, pure},
    der,
};

mod curve;
mod jwk;
mod pem;
mod secret;
mod verify;

use curve::Curve;
pub(crate) use jwk::ParsedJwk;
pub(crate) use pem::BEGIN as PEM_BEGIN;
pub(crate) use secret::looks_like_hex;
pub(crate) use verify::MAX_KEY_COST;

/// A public key or shared secret, with the algorithms that it may verify.
///
/// Size, exponent, curve point and purpose of a key were validated.
pub struct Key {
    id: Option<String>,
    algorithms: Algorithms,
    material: Material,
    public_key_info: Vec<u8>,
    verifiers: Vec<(Algorithm, Box<dyn JwtVerifier>)>,
}

enum Material {
    Rsa { modulus_bytes: usize },
    Ec { curve: Curve },
    Ed25519 { key: VerifyingKey },
    Secret,
}

/// The reason why a key cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidKey {
    /// A member of the JWK is missing or has the wrong type.
    #[error("is not a JSON Web Key: [kty] is missing, or a member has the wrong type")]
    Malformed,
    /// A member is not base64url.
    #[error("[{0}] is missing or is not base64url")]
    NotBase64(&'static str),
    /// `kty` or `crv` is not supported.
    #[error("key type or curve is not supported")]
    UnsupportedType,
    /// `use` is `enc`, or `key_ops` lists only encryption.
    #[error("is meant for encryption")]
    WrongPurpose,
    /// `alg` does not fit the key's type.
    #[error("[alg] does not fit the key")]
    WrongAlgorithm,
    /// The modulus is not 2,048 to 8,192 bits, or even.
    #[error("RSA modulus must be odd and have 2048 to 8192 bits")]
    RsaModulus,
    /// The exponent is even or out of range.
    #[error("RSA exponent must be odd and from 3 to 2^33-1")]
    RsaExponent,
    /// The coordinates are not a point of the curve.
    #[error("coordinates are not a point of the curve")]
    NotOnCurve,
    /// The Ed25519 key is not a point, or of small order.
    #[error("Ed25519 key is not a point of large order")]
    WeakEd25519,
    /// The secret is shorter than the digest of its algorithm (RFC 7518 section 3.2).
    #[error("secret must have at least as many bytes as the digest: 32, 48 or 64")]
    ShortSecret,
    /// Only the proxy could use the key, and it lacks `verify_signature`.
    #[error("needs the proxy's verify_signature, which is not available")]
    NeedsHost,
    /// The text is not one PEM block of a public key.
    #[error("must be one PEM block labelled PUBLIC KEY or RSA PUBLIC KEY")]
    NotPem,
    /// The text is a private key.
    #[error("is a private key; give the public key only")]
    PrivateKey,
    /// The text is a certificate.
    #[error("is a certificate; give its public key")]
    Certificate,
    /// The bytes are not a certificate.
    #[error("is not an X.509 certificate")]
    NotCertificate,
    /// The secret is not encoded as configured.
    #[error("secret must be {}", expected_form(.0))]
    SecretForm(SecretEncoding),
}

const fn expected_form(encoding: &SecretEncoding) -> &'static str {
    match encoding {
        SecretEncoding::Base64 => {
            "standard base64 of the raw bytes; for another form set secretEncoding"
        }
        SecretEncoding::Base64url => "base64url of the raw bytes",
        SecretEncoding::Hex => "two hexadecimal digits for each byte",
        SecretEncoding::Text => "text",
    }
}

impl Key {
    /// Returns the key's identifier, `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the algorithms that the key may verify.
    pub const fn algorithms(&self) -> Algorithms {
        self.algorithms
    }

    /// Returns the key type, as in `kty`.
    const fn kind(&self) -> &'static str {
        match self.material {
            Material::Rsa { .. } => "RSA",
            Material::Ec { .. } => "EC",
            Material::Ed25519 { .. } => "OKP",
            Material::Secret => "oct",
        }
    }

    /// Returns `true` for a shared secret.
    pub const fn is_secret(&self) -> bool {
        matches!(self.material, Material::Secret)
    }

    /// Returns `true` if this is the key's DER `SubjectPublicKeyInfo`.
    #[cfg(test)]
    pub(crate) fn is_public_key(&self, info: &[u8]) -> bool {
        self.public_key_info == info
    }

    fn rsa(modulus: &[u8], exponent: &[u8], crypto: &Crypto) -> Result<Self, InvalidKey> {
        let modulus = der::without_leading_zeros(modulus);
        let exponent = der::without_leading_zeros(exponent);
        let bits = check_modulus(modulus)?;
        check_exponent(exponent)?;
        let is_large = bits > 4096;
        let algorithms = if is_large {
            Algorithms::RSA_PKCS1.intersection(crypto.by_host())
        } else {
            Algorithms::RSA_PKCS1.union(Algorithms::RSA_PSS)
        };
        let public_key = der::rsa_public_key(modulus, exponent);
        let decoding = DecodingKey::from_rsa_raw_components(modulus, exponent);
        let pure = if is_large { Algorithms::NONE } else { algorithms };
        Self::build(
            Material::Rsa { modulus_bytes: modulus.len() },
            algorithms,
            der::public_key_info(der::RSA_ENCRYPTION, &public_key),
            pure::verifiers(pure, &decoding),
        )
    }

    fn ec(curve: Curve, point: &[u8], crypto: &Crypto) -> Result<Self, InvalidKey> {
        let algorithm = Algorithms::only(curve.algorithm());
        let decoding = DecodingKey::from_ec_der(point);
        let verifiers = pure::verifiers(algorithm, &decoding);
        if point.len() != curve.point_bytes() || point.first() != Some(&4) {
            return Err(InvalidKey::NotOnCurve);
        }
        let (is_on_curve, algorithms) = match curve {
            Curve::P521 => (curve::is_on_p521(point), algorithm.intersection(crypto.by_host())),
            Curve::P256 | Curve::P384 => (!verifiers.is_empty(), algorithm),
        };
        if !is_on_curve {
            return Err(InvalidKey::NotOnCurve);
        }
        let info = der::public_key_info(curve.identifier(), point);
        Self::build(Material::Ec { curve }, algorithms, info, verifiers)
    }

    fn from_ed25519(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let bytes = bytes.try_into().map_err(|_| InvalidKey::WeakEd25519)?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::WeakEd25519)?;
        if key.is_weak() {
            return Err(InvalidKey::WeakEd25519);
        }
        let algorithms = Algorithms::only(Algorithm::EdDsa);
        let info = der::public_key_info(der::ED25519, bytes);
        Self::build(Material::Ed25519 { key }, algorithms, info, Vec::new())
    }

    fn from_secret_bytes(secret: &[u8]) -> Result<Self, InvalidKey> {
        let is_long_enough = |algorithm: &Algorithm| secret.len() >= algorithm.digest().bytes();
        let algorithms: Algorithms = Algorithms::HMAC.iter().filter(is_long_enough).collect();
        if algorithms.is_empty() {
            return Err(InvalidKey::ShortSecret);
        }
        let verifiers = pure::verifiers(algorithms, &DecodingKey::from_secret(secret));
        Self::build(Material::Secret, algorithms, Vec::new(), verifiers)
    }

    fn build(
        material: Material,
        algorithms: Algorithms,
        public_key_info: Vec<u8>,
        verifiers: Vec<(Algorithm, Box<dyn JwtVerifier>)>,
    ) -> Result<Self, InvalidKey> {
        if algorithms.is_empty() {
            return Err(InvalidKey::NeedsHost);
        }
        Ok(Self { id: None, algorithms, material, public_key_info, verifiers })
    }

    /// Sets the identifier and restricts the key to its `alg`.
    fn with_metadata(mut self, id: Option<String>, alg: Option<&str>) -> Result<Self, InvalidKey> {
        self.id = id;
        let Some(name) = alg else { return Ok(self) };
        let algorithm = Algorithm::from_name(name).ok_or(InvalidKey::WrongAlgorithm)?;
        let pinned = self.algorithms.intersection(Algorithms::only(algorithm));
        if pinned.is_empty() {
            let is_short = self.is_secret() && Algorithms::HMAC.contains(algorithm);
            return Err(if is_short {
                InvalidKey::ShortSecret
            } else {
                InvalidKey::WrongAlgorithm
            });
        }
        self.algorithms = pinned;
        self.verifiers.retain(|(served, _)| *served == algorithm);
        Ok(self)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

fn check_modulus(modulus: &[u8]) -> Result<usize, InvalidKey> {
    let leading = modulus.first().map_or(8, |byte| byte.leading_zeros());
    let bits = modulus.len().saturating_mul(8).saturating_sub(leading as usize);
    let is_odd = modulus.last().is_some_and(|byte| byte & 1 == 1);
    if is_odd && (2048..=8192).contains(&bits) { Ok(bits) } else { Err(InvalidKey::RsaModulus) }
}

fn check_exponent(exponent: &[u8]) -> Result<(), InvalidKey> {
    if exponent.len() > 5 {
        return Err(InvalidKey::RsaExponent);
    }
    let value = exponent.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    let is_valid = value & 1 == 1 && (3..1 << 33).contains(&value);
    if is_valid { Ok(()) } else { Err(InvalidKey::RsaExponent) }
}

#[cfg(test)]
mod tests;
