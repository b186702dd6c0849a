//! Single values of the document, each legal by construction.

use std::fmt;

use filter_core::{StringMatch, text};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny},
};
use serde_json::Value;

use crate::{algorithm::Algorithm, endpoint::Endpoint};

/// Text that is not empty.
#[derive(Clone, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(inline, extend("minLength" = 1))]
pub struct NonEmpty(String);

/// Which `iss` an entry serves.
#[derive(Clone, Debug, JsonSchema, PartialEq)]
#[schemars(untagged)]
pub enum IssuerConfig {
    /// Exactly this one, as in Istio.
    Exact(NonEmpty),
    /// Any that fulfils a condition.
    Matching(StringMatch),
}

/// What an entry is called: `[a-z0-9-]{1,63}`.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 63 of a to z, 0 to 9 and -",
    extend("pattern" = "^[a-z0-9-]{1,63}$")
)]
pub struct RuleName(String);

/// The name of an algorithm that is served.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "String", extend("enum" = algorithm_names()))]
pub struct AlgorithmName(Algorithm);

/// An inline key set: a string of at most 256 KiB.
#[derive(Clone, JsonSchema)]
#[schemars(inline, extend("maxLength" = MAX_KEY_SET_BYTES))]
pub struct KeySetText(String);

/// A shared secret. Never shown.
#[derive(Clone, JsonSchema)]
#[schemars(inline)]
pub struct SecretText(String);

/// A realm: at most 256 bytes of printable ASCII without quote and backslash.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("pattern" = r"^[ !#-\[\]-~]{0,256}$"))]
pub struct Realm(String);

/// An absolute `http` or `https` URL of printable ASCII, at most 2,048 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("maxLength" = 2048, "pattern" = r"^https?://[!#-\[\]-~]+$"))]
pub struct Url(String);

/// An absolute `http` or `https` URL that is fetched: no user information, no fragment, at most
/// 2,048 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    extend("maxLength" = 2048, "pattern" = r"^https?://[!$-\[\]-~]+$")
)]
pub struct FetchUrl(Endpoint);

/// A field of the resource around `pluginConfig`.
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

impl FetchUrl {
    /// Returns the URL, taken apart.
    pub const fn endpoint(&self) -> &Endpoint {
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
        text(deserializer, "a text that is not empty", |text| !text.is_empty()).map(Self)
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
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        text(deserializer, "1 to 63 of a to z, 0 to 9 and -", |text| {
            (1..=63).contains(&text.len()) && text.bytes().all(legal)
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
        // The value is not shown: a key set may hold a secret by mistake.
        match Value::deserialize(deserializer)? {
            Value::String(text) if text.len() <= MAX_KEY_SET_BYTES => Ok(Self(text)),
            Value::String(_) => Err(D::Error::custom("must have at most 256 KiB")),
            _ => Err(D::Error::custom("must be a string that holds a JSON key set")),
        }
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The value is not shown: it is a secret, though not written as one.
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("must be text")),
        }
    }
}

impl<'de> Deserialize<'de> for Realm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "at most 256 bytes of printable ASCII without quote and backslash";
        text(deserializer, rule, |text| text.len() <= 256 && text.bytes().all(is_quotable))
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "an absolute http or https URL", |text| {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            let legal = |byte: u8| is_quotable(byte) && byte != b' ';
            rest.is_some_and(|rest| !rest.is_empty())
                && text.len() <= 2048
                && text.bytes().all(legal)
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
        Err(D::Error::custom("belongs to the WasmPlugin, not to pluginConfig"))
    }
}

impl<'de> Deserialize<'de> for FetchUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule =
            "an http or https URL of at most 2048 bytes without user information and fragment";
        let url = text(deserializer, rule, |text| Endpoint::parse(text).is_some())?;
        Endpoint::parse(&url).map(Self).ok_or_else(|| D::Error::custom(rule))
    }
}
