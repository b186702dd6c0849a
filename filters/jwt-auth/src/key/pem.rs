//! Keys in PEM (RFC 7468).

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Curve, InvalidKey, Key};
use crate::{crypto::Crypto, der};

/// The start of a block, before its label.
pub(crate) const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

impl Key {
    /// Parses one `PUBLIC KEY` or `RSA PUBLIC KEY` block, which may be surrounded by text.
    ///
    /// # Errors
    ///
    /// Fails if the key cannot verify signatures.
    pub fn from_pem(
        pem: &str,
        id: Option<String>,
        alg: Option<&str>,
        crypto: &Crypto,
    ) -> Result<Self, InvalidKey> {
        let (label, der, rest) = read_pem(pem)?;
        if rest.contains(BEGIN) {
            return Err(InvalidKey::NotPem);
        }
        public_key(label, &der, crypto)?.with_metadata(id, alg)
    }

    /// Parses a `CERTIFICATE` block, the first one of a chain, or a public key block.
    pub(crate) fn from_certificate_pem(
        pem: &str,
        id: String,
        crypto: &Crypto,
    ) -> Result<Self, InvalidKey> {
        let (label, der, _) = read_pem(pem)?;
        let key = match label {
            "CERTIFICATE" => Self::from_certificate(&der, crypto)?,
            label => public_key(label, &der, crypto)?,
        };
        key.with_metadata(Some(id).filter(|id| !id.is_empty()), None)
    }

    /// Parses the key of a DER certificate and ignores the rest.
    pub(super) fn from_certificate(der: &[u8], crypto: &Crypto) -> Result<Self, InvalidKey> {
        let info = der::read_certified_key(der).ok_or(InvalidKey::NotCertificate)?;
        Self::from_public_key_info(info, crypto)
    }

    /// Parses a DER `SubjectPublicKeyInfo`.
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
}

fn public_key(label: &str, der: &[u8], crypto: &Crypto) -> Result<Key, InvalidKey> {
    match label {
        "PUBLIC KEY" => Key::from_public_key_info(der, crypto),
        "RSA PUBLIC KEY" => from_rsa_public_key(der, crypto),
        _ => Err(refused_label(label)),
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

/// Returns the label and the content of the first block, and the rest of the text.
fn read_pem(text: &str) -> Result<(&str, Vec<u8>, &str), InvalidKey> {
    let (_, rest) = text.split_once(BEGIN).ok_or(InvalidKey::NotPem)?;
    let (label, rest) = rest.split_once(DASHES).ok_or(InvalidKey::NotPem)?;
    let (body, rest) = rest.split_once("-----END ").ok_or(InvalidKey::NotPem)?;
    let rest = rest.strip_prefix(label).and_then(|rest| rest.strip_prefix(DASHES));
    let rest = rest.ok_or(InvalidKey::NotPem)?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| InvalidKey::NotPem)?;
    Ok((label, der, rest))
}
