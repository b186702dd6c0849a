//! Signing keys of each kind, generated in each run so that the repository contains no private key.

use std::sync::LazyLock;

use anyhow::{Result, anyhow};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use rsa::{
    pkcs1::EncodeRsaPrivateKey,
    pkcs8::EncodePublicKey,
    rand_core::{OsRng, RngCore},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};

/// Size of the RSA key in bits, the minimum that Weir accepts.
const RSA_BITS: usize = 2048;
/// Length of the HMAC secret in bytes, enough for HS512.
const SECRET_BYTES: usize = 64;

static SHARED: LazyLock<Result<Keys>> = LazyLock::new(Keys::generate);

/// One key of each kind: RSA, P-256, P-384, Ed25519 and an HMAC secret.
#[derive(Debug)]
pub struct Keys {
    rsa: Key,
    p256: Key,
    p384: Key,
    ed25519: Key,
    secret: Key,
    certificate: String,
}

/// A private key with its public half as a JWK.
#[derive(Debug)]
struct Key {
    signer: EncodingKey,
    jwk: Value,
}

impl Keys {
    /// Returns the keys of this run, generated at the first call.
    ///
    /// # Errors
    /// See [`Keys::generate`].
    pub fn shared() -> Result<&'static Self> {
        SHARED.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    /// Generates keys. The RSA key takes about a second.
    ///
    /// # Errors
    /// If a key cannot be generated or encoded.
    pub fn generate() -> Result<Self> {
        let (rsa, certificate) = rsa_key()?;
        Ok(Self {
            rsa,
            certificate,
            p256: p256_key()?,
            p384: p384_key()?,
            ed25519: ed25519_key()?,
            secret: secret(),
        })
    }

    /// Returns a JWK Set (RFC 7517) with the public keys, without the HMAC secret.
    pub fn jwks(&self) -> Value {
        json!({"keys": [self.rsa.jwk, self.p256.jwk, self.p384.jwk, self.ed25519.jwk]})
    }

    /// Returns the RSA key in the format of Google and Firebase, an object from `kid` to PEM
    /// certificate.
    pub fn certificates(&self) -> Value {
        json!({"rsa": self.certificate})
    }

    /// Returns a JWK Set with only the HMAC secret.
    pub fn secret_jwks(&self) -> Value {
        json!({"keys": [self.secret.jwk]})
    }

    /// Returns the `kid` of the key for `algorithm`.
    pub fn kid(&self, algorithm: Algorithm) -> &str {
        self.key(algorithm).jwk.get("kid").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the JWK of the key for `algorithm`.
    pub fn jwk(&self, algorithm: Algorithm) -> &Value {
        &self.key(algorithm).jwk
    }

    /// Returns the base64url signature of a message (RFC 7515).
    ///
    /// # Errors
    /// If signing fails.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<String> {
        Ok(jsonwebtoken::crypto::sign(message, &self.key(algorithm).signer, algorithm)?)
    }

    fn key(&self, algorithm: Algorithm) -> &Key {
        match algorithm {
            Algorithm::ES256 => &self.p256,
            Algorithm::ES384 => &self.p384,
            Algorithm::EdDSA => &self.ed25519,
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => &self.secret,
            _ => &self.rsa,
        }
    }
}

/// Encodes bytes as base64url without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa_key() -> Result<(Key, String)> {
    let key = rsa::RsaPrivateKey::new(&mut OsRng, RSA_BITS)?;
    let jwk = json!({
        "kty": "RSA", "kid": "rsa", "use": "sig",
        "n": base64url(key.n().to_bytes_be()), "e": base64url(key.e().to_bytes_be()),
    });
    let signer = EncodingKey::from_rsa_der(key.to_pkcs1_der()?.as_bytes());
    let info = key.to_public_key().to_public_key_der()?;
    Ok((Key { signer, jwk }, certificate(info.as_bytes())))
}

/// Returns a PEM certificate (RFC 5280) of a public key, with an invalid signature.
fn certificate(public_key_info: &[u8]) -> String {
    const SHA256_WITH_RSA: &[u8] =
        &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 0x05, 0];
    let algorithm = element(0x30, SHA256_WITH_RSA);
    let name = element(0x30, &[]);
    let times = ["260101000000Z", "360101000000Z"];
    let times = times.map(|time| element(0x17, time.as_bytes())).concat();
    let validity = element(0x30, &times);
    let serial = element(0x02, &[1]);
    let parts = [&*serial, &algorithm, &name, &validity, &name, public_key_info];
    let fields = element(0x30, &parts.concat());
    let signature = element(0x03, &[0; 257]);
    let der = element(0x30, &[fields, algorithm, signature].concat());
    let text = STANDARD.encode(der);
    let lines: String = text
        .chars()
        .enumerate()
        .flat_map(|(index, letter)| {
            (index > 0 && index % 64 == 0).then_some('\n').into_iter().chain([letter])
        })
        .collect();
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}

/// Encodes a DER element.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let length = match (high, low) {
        (0, short) if short < 0x80 => vec![short],
        (0, long) => vec![0x81, long],
        _ => vec![0x82, high, low],
    };
    [&[tag], &*length, content].concat()
}

fn p256_key() -> Result<Key> {
    let key = p256::SecretKey::random(&mut OsRng);
    let point = key.public_key().to_encoded_point(false);
    let jwk = ec_jwk("p256", "P-256", point.x().map(base64url), point.y().map(base64url));
    Ok(Key { signer: EncodingKey::from_ec_der(key.to_pkcs8_der()?.as_bytes()), jwk })
}

fn p384_key() -> Result<Key> {
    let key = p384::SecretKey::random(&mut OsRng);
    let point = key.public_key().to_encoded_point(false);
    let jwk = ec_jwk("p384", "P-384", point.x().map(base64url), point.y().map(base64url));
    Ok(Key { signer: EncodingKey::from_ec_der(key.to_pkcs8_der()?.as_bytes()), jwk })
}

fn ec_jwk(kid: &str, curve: &str, x: Option<String>, y: Option<String>) -> Value {
    json!({"kty": "EC", "kid": kid, "use": "sig", "crv": curve, "x": x, "y": y})
}

fn ed25519_key() -> Result<Key> {
    let mut seed = [0; 32];
    OsRng.fill_bytes(&mut seed);
    let key = ed25519_dalek::SigningKey::from_bytes(&seed);
    let jwk = json!({
        "kty": "OKP", "kid": "ed25519", "use": "sig", "crv": "Ed25519",
        "x": base64url(key.verifying_key().as_bytes()),
    });
    Ok(Key { signer: EncodingKey::from_ed_der(key.to_pkcs8_der()?.as_bytes()), jwk })
}

fn secret() -> Key {
    let mut bytes = [0; SECRET_BYTES];
    OsRng.fill_bytes(&mut bytes);
    let jwk = json!({"kty": "oct", "kid": "hmac", "use": "sig", "k": base64url(bytes)});
    Key { signer: EncodingKey::from_secret(&bytes), jwk }
}
