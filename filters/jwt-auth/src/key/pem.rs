//! Keys written as PEM (RFC 7468) or as a base64 secret.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Curve, InvalidKey, Key};
use crate::{crypto::Crypto, der};

impl Key {
    /// Reads one `PUBLIC KEY` or `RSA PUBLIC KEY` block.
    ///
    /// # Errors
    ///
    /// Says why the key cannot verify signatures.
    pub fn from_pem(
        pem: &str,
        id: Option<String>,
        alg: Option<&str>,
        crypto: &Crypto,
    ) -> Result<Self, InvalidKey> {
        let (label, der) = read_pem(pem)?;
        let key = match label {
            "PUBLIC KEY" => Self::from_public_key_info(&der, crypto)?,
            "RSA PUBLIC KEY" => from_rsa_public_key(&der, crypto)?,
            _ => return Err(refused_label(label)),
        };
        key.named(id, alg)
    }

    /// Reads a DER `SubjectPublicKeyInfo`.
    pub(crate) fn from_public_key_info(info: &[u8], crypto: &Crypto) -> Result<Self, InvalidKey> {
        let (identifier, key) = der::read_public_key_info(info).ok_or(InvalidKey::NotPem)?;
        if identifier == der::RSA_ENCRYPTION {
            return from_rsa_public_key(key, crypto);
        }
        if identifier == der::ED25519 {
            return Self::from_ed25519(key);
        }
        let curve = Curve::ALL.into_iter().find(|curve| curve.identifier() == identifier);
        Self::ec(curve.ok_or(InvalidKey::UnsupportedType)?, key, crypto)
    }

    /// Reads a shared secret: standard base64 of the raw bytes.
    ///
    /// # Errors
    ///
    /// Says why the secret cannot verify signatures.
    pub fn from_secret(text: &str, id: Option<String>, alg: &str) -> Result<Self, InvalidKey> {
        let secret = STANDARD.decode(text.trim()).map_err(|_| InvalidKey::SecretNotBase64)?;
        Self::from_secret_bytes(&secret)?.named(id, Some(alg))
    }
}

fn refused_label(label: &str) -> InvalidKey {
    match label {
        label if label.ends_with("PRIVATE KEY") => InvalidKey::PrivateKey,
        "CERTIFICATE" => InvalidKey::Certificate,
        _ => InvalidKey::NotPem,
    }
}

fn from_rsa_public_key(der: &[u8], crypto: &Crypto) -> Result<Key, InvalidKey> {
    let (modulus, exponent) = der::read_rsa_public_key(der).ok_or(InvalidKey::NotPem)?;
    Key::rsa(modulus, exponent, crypto)
}

fn read_pem(text: &str) -> Result<(&str, Vec<u8>), InvalidKey> {
    let rest = text.trim().strip_prefix("-----BEGIN ").ok_or(InvalidKey::NotPem)?;
    let (label, rest) = rest.split_once("-----").ok_or(InvalidKey::NotPem)?;
    let (body, end) = rest.split_once("-----END ").ok_or(InvalidKey::NotPem)?;
    if end.strip_prefix(label) != Some("-----") {
        return Err(InvalidKey::NotPem);
    }
    let body: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| InvalidKey::NotPem)?;
    Ok((label, der))
}
