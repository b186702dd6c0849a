//! Values of the document, valid by construction.

use std::fmt;

use filter_core::{StringMatch, text};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny},
};
use serde_json::Value;

use crate::algorithm::Algorithm;

/// Non-empty text.
#[derive(Clone, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(inline, extend("minLength" = 1))]
pub struct NonEmpty(String);

/// Required `iss`.
#[derive(Clone, Debug, JsonSchema, PartialEq)]
#[schemars(
    untagged,
    extend("examples" = serde_json::json!(["https://idp.example.com", {"suffix": ".example.com"}]))
)]
pub enum IssuerConfig {
    /// Text that `iss` must equal, as in Istio.
    Exact(NonEmpty),
    /// Condition that `iss` must meet.
    Matching(StringMatch),
}

/// A name of an entry: `[a-z0-9-]{1,63}`.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 63 characters of a-z, 0-9 and -",
    extend("pattern" = "^[a-z0-9-]{1,63}$", "examples" = ["corp"])
)]
pub struct RuleName(String);

/// The name of a supported signature algorithm.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "String", extend("enum" = algorithm_names()))]
pub struct AlgorithmName(Algorithm);

/// A key set in JSON: a string of at most 256 KiB.
#[derive(Clone, JsonSchema)]
#[schemars(
    inline,
    extend(
        "maxLength" = MAX_KEY_SET_BYTES,
        "examples" = [r#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "..", "y": ".."}]}"#]
    )
)]
pub struct KeySetText(String);

/// A secret; `Debug` and errors hide it.
#[derive(Clone, JsonSchema)]
#[schemars(inline)]
pub struct SecretText(String);

/// A realm: at most 256 characters of printable ASCII without quotes and backslashes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("pattern" = r"^[ !#-\[\]-~]{0,256}$", "examples" = ["orders"]))]
pub struct Realm(String);

/// An absolute `http` or `https` URL of printable ASCII, at most 2,048 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    extend(
        "maxLength" = 2048,
        "pattern" = r"^https?://[!#-\[\]-~]+$",
        "examples" = ["https://orders.example.com/.well-known/oauth-protected-resource"]
    )
)]
pub struct Url(String);

/// A field of the WasmPlugin, which is refused in `pluginConfig`.
#[derive(Debug, Default, JsonSchema)]
#[schemars(inline)]
pub(super) struct BelongsElsewhere;

fn algorithm_names() -> Vec<&'static str> {
    Algorithm::ALL.map(Algorithm::name).into_iter().chain(["Ed25519"]).collect()
}

const MAX_KEY_SET_BYTES: usize = 256 * 1024;

impl NonEmpty {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RuleName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AlgorithmName {
    /// Returns the algorithm.
    pub const fn algorithm(self) -> Algorithm {
        self.0
    }
}

impl KeySetText {
    /// Returns the JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretText {
    /// Returns the secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Realm {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Url {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeySetText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeySetText({} bytes)", self.0.len())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretText")
    }
}

impl<'de> Deserialize<'de> for NonEmpty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "non-empty text", |text| !text.is_empty()).map(Self)
    }
}

impl<'de> Deserialize<'de> for IssuerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = if value.is_object() {
            StringMatch::deserialize(value).map(Self::Matching)
        } else {
            NonEmpty::deserialize(value).map(Self::Exact)
        };
        read.map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for RuleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_legal =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        text(deserializer, "1 to 63 characters of a-z, 0-9 and -", |text| {
            (1..=63).contains(&text.len()) && text.bytes().all(is_legal)
        })
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for AlgorithmName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "a signature algorithm such as RS256, ES256, EdDSA or HS256";
        let name = text(deserializer, rule, |text| Algorithm::from_name(text).is_some())?;
        Algorithm::from_name(&name).map(Self).ok_or_else(|| D::Error::custom(rule))
    }
}

impl<'de> Deserialize<'de> for KeySetText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error hides the value, because a key set may contain a secret by mistake.
        match Value::deserialize(deserializer)? {
            Value::String(text) if text.len() <= MAX_KEY_SET_BYTES => Ok(Self(text)),
            Value::String(_) => Err(D::Error::custom("must have at most 256 KiB")),
            _ => Err(D::Error::custom("must be a string with a JSON key set")),
        }
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error hides the value, which is a secret of the wrong type.
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("must be text")),
        }
    }
}

impl<'de> Deserialize<'de> for Realm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "at most 256 characters of printable ASCII without quotes and backslashes";
        text(deserializer, rule, |text| text.len() <= 256 && text.bytes().all(is_quotable))
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "an absolute http or https URL", |text| {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            let is_legal = |byte: u8| is_quotable(byte) && byte != b' ';
            rest.is_some_and(|rest| !rest.is_empty())
                && text.len() <= 2048
                && text.bytes().all(is_legal)
        })
        .map(Self)
    }
}

const fn is_quotable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\'
}

impl<'de> Deserialize<'de> for BelongsElsewhere {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Err(D::Error::custom(
            "must not be given: it belongs to the WasmPlugin, not to pluginConfig",
        ))
    }
}
