//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037).
//!
//! Members are parsed as leniently as in Envoy's `jwt_authn`: key servers are trusted, and some
//! encode inaccurately.

use base64::{
    Engine, alphabet,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
    },
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{Curve, InvalidKey, Key};
use crate::{crypto::Crypto, der};

/// base64url with or without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The operations of RFC 7517 section 4.3 for encryption.
const ENCRYPTION: [&str; 6] =
    ["encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"];

#[derive(Deserialize)]
struct Document {
    kty: String,
    kid: Option<Value>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<Value>,
    key_ops: Option<Value>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    x5c: Option<Value>,
    d: Option<IgnoredAny>,
}

/// A key parsed from a JWK.
pub(crate) struct ParsedJwk {
    pub(crate) key: Key,
    /// `true` if the JWK also had a private key, which was dropped.
    pub(crate) had_private_key: bool,
}

impl Key {
    /// Parses a JSON Web Key; a private key is dropped.
    ///
    /// # Errors
    ///
    /// Fails if the key cannot verify signatures.
    pub(crate) fn from_jwk(jwk: Value, crypto: &Crypto) -> Result<ParsedJwk, InvalidKey> {
        // serde's error is dropped, because it may show a secret.
        let jwk: Document = serde_json::from_value(jwk).map_err(|_| InvalidKey::Malformed)?;
        if jwk.is_for_encryption() {
            return Err(InvalidKey::WrongPurpose);
        }
        let key = match jwk.certificate() {
            Some(certificate) => from_certificate(&jwk.kty, certificate, crypto)?,
            None => from_members(&jwk, crypto)?,
        };
        let key = key.with_metadata(jwk.identifier(), jwk.algorithm())?;
        Ok(ParsedJwk { key, had_private_key: jwk.d.is_some() })
    }
}

impl Document {
    /// Returns `kid`; an integer is converted to its digits, any other type is ignored.
    fn identifier(&self) -> Option<String> {
        match self.kid.as_ref()? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            _ => None,
        }
    }

    fn algorithm(&self) -> Option<&str> {
        self.alg.as_deref().filter(|name| !name.is_empty())
    }

    fn is_for_encryption(&self) -> bool {
        let purpose = self.purpose.as_ref().and_then(Value::as_str);
        let operations = self.key_ops.as_ref().and_then(Value::as_array);
        let encrypts =
            |value: &Value| value.as_str().is_some_and(|name| ENCRYPTION.contains(&name));
        purpose.is_some_and(|purpose| purpose.eq_ignore_ascii_case("enc"))
            || operations.is_some_and(|all| !all.is_empty() && all.iter().all(encrypts))
    }

    /// Returns the key's certificate if the JWK has no other key members.
    fn certificate(&self) -> Option<&str> {
        let has_members = self.n.is_some() || self.x.is_some() || self.k.is_some();
        if has_members { None } else { self.x5c.as_ref()?.get(0)?.as_str() }
    }

    /// Returns the curve: `crv`, or that of `alg`, or P-256.
    fn curve(&self) -> Result<Curve, InvalidKey> {
        let named = self.crv.as_deref().filter(|name| !name.is_empty());
        let found = Curve::ALL.into_iter().find(|curve| match (named, self.algorithm()) {
            (Some(name), _) => curve.name() == name,
            (None, Some(algorithm)) => curve.algorithm().name() == algorithm,
            (None, None) => *curve == Curve::P256,
        });
        found.ok_or(InvalidKey::UnsupportedType)
    }
}

fn from_members(jwk: &Document, crypto: &Crypto) -> Result<Key, InvalidKey> {
    match jwk.kty.as_str() {
        "RSA" => Key::rsa(&bytes("n", &jwk.n)?, &bytes("e", &jwk.e)?, crypto),
        "EC" => {
            let curve = jwk.curve()?;
            let (x, y) = (coordinate("x", &jwk.x, curve)?, coordinate("y", &jwk.y, curve)?);
            Key::ec(curve, &[&[4], &x[..], &y[..]].concat(), crypto)
        }
        "OKP" if jwk.crv.as_deref() == Some("Ed25519") => Key::from_ed25519(&bytes("x", &jwk.x)?),
        "oct" => Key::from_secret_bytes(&bytes("k", &jwk.k)?),
        _ => Err(InvalidKey::UnsupportedType),
    }
}

/// Parses the key of a certificate in `x5c` (RFC 7517 section 4.7), which must be of type `kind`.
fn from_certificate(kind: &str, certificate: &str, crypto: &Crypto) -> Result<Key, InvalidKey> {
    let der =
        STANDARD.decode(without_whitespace(certificate)).map_err(|_| InvalidKey::NotCertificate)?;
    let key = Key::from_certificate(&der, crypto)?;
    if key.kind() == kind { Ok(key) } else { Err(InvalidKey::UnsupportedType) }
}

/// Parses a coordinate, which may lack leading zeros or have too many.
fn coordinate(
    name: &'static str,
    member: &Option<String>,
    curve: Curve,
) -> Result<Vec<u8>, InvalidKey> {
    let bytes = bytes(name, member)?;
    let number = der::without_leading_zeros(&bytes);
    let missing = curve.coordinate_bytes().checked_sub(number.len());
    let mut padded = vec![0; missing.ok_or(InvalidKey::NotOnCurve)?];
    padded.extend_from_slice(number);
    Ok(padded)
}

fn bytes(name: &'static str, member: &Option<String>) -> Result<Vec<u8>, InvalidKey> {
    let text = member.as_deref().ok_or(InvalidKey::NotBase64(name))?;
    BASE64URL.decode(without_whitespace(text)).map_err(|_| InvalidKey::NotBase64(name))
}

fn without_whitespace(text: &str) -> String {
    text.split_ascii_whitespace().collect()
}
