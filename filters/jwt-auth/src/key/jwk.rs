//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{Curve, InvalidKey, Key};
use crate::crypto::Crypto;

#[derive(Deserialize)]
struct Document {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    d: Option<IgnoredAny>,
}

/// A key read from a JWK, and whether the document held a private half as well.
pub(crate) struct FromJwk {
    pub(crate) key: Key,
    pub(crate) had_private_part: bool,
}

impl Key {
    /// Reads one JSON Web Key; a private half is not kept.
    ///
    /// # Errors
    ///
    /// Says why the key cannot verify signatures.
    pub(crate) fn from_jwk(jwk: Value, crypto: &Crypto) -> Result<FromJwk, InvalidKey> {
        // What serde says is not kept: it shows values, of which one may be a secret.
        let jwk: Document = serde_json::from_value(jwk).map_err(|_| InvalidKey::Malformed)?;
        if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig")
            || jwk.key_ops.as_ref().is_some_and(|all| !all.iter().any(|one| one == "verify"))
        {
            return Err(InvalidKey::WrongPurpose);
        }
        let key = match jwk.kty.as_str() {
            "RSA" => Self::rsa(&bytes("n", &jwk.n)?, &bytes("e", &jwk.e)?, crypto)?,
            "EC" => ec(&jwk, crypto)?,
            "OKP" if jwk.crv.as_deref() == Some("Ed25519") => {
                Self::from_ed25519(&bytes("x", &jwk.x)?)?
            }
            "oct" => Self::from_secret_bytes(&bytes("k", &jwk.k)?)?,
            _ => return Err(InvalidKey::UnsupportedType),
        };
        let key = key.named(jwk.kid, jwk.alg.as_deref())?;
        Ok(FromJwk { key, had_private_part: jwk.d.is_some() })
    }
}

fn ec(jwk: &Document, crypto: &Crypto) -> Result<Key, InvalidKey> {
    let named = |curve: &Curve| Some(curve.name()) == jwk.crv.as_deref();
    let curve = Curve::ALL.into_iter().find(named).ok_or(InvalidKey::UnsupportedType)?;
    let (x, y) = (bytes("x", &jwk.x)?, bytes("y", &jwk.y)?);
    if x.len() != curve.coordinate_bytes() || y.len() != curve.coordinate_bytes() {
        return Err(InvalidKey::NotOnCurve);
    }
    let point = [&[4], &x[..], &y[..]].concat();
    Key::ec(curve, &point, crypto)
}

fn bytes(name: &'static str, member: &Option<String>) -> Result<Vec<u8>, InvalidKey> {
    let text = member.as_deref().ok_or(InvalidKey::NotBase64(name))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey::NotBase64(name))
}
