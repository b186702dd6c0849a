//! Places of tokens in requests.

use filter_core::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use super::NonEmpty;

/// One entry of `fromHeaders`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FromHeader {
    /// The header's name.
    pub name: HeaderName,
    /// Text before the token, matched in any case, at most 64 bytes. A comma separates items of a
    /// list, as in `access_token, `.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub prefix: String,
}

/// One entry of `fromCookies`: a name as in Istio, or a name and a prefix.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum FromCookie {
    /// The cookie's name; its whole value is the token.
    Name(NonEmpty),
    /// The cookie's name, and the text before the token in its value.
    Prefixed(PrefixedCookie),
}

/// A cookie whose token follows a prefix.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct PrefixedCookie {
    /// The cookie's name.
    pub name: NonEmpty,
    /// Text before the token, matched in any case, at most 64 bytes, such as `Bearer ` or
    /// `Bearer%20`.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub prefix: String,
}

impl FromCookie {
    /// Returns the cookie's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name.as_str(),
            Self::Prefixed(cookie) => cookie.name.as_str(),
        }
    }

    /// Returns the text before the token; empty if none.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Name(_) => "",
            Self::Prefixed(cookie) => &cookie.prefix,
        }
    }
}

impl<'de> Deserialize<'de> for FromCookie {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = if value.is_object() {
            PrefixedCookie::deserialize(value).map(Self::Prefixed)
        } else {
            NonEmpty::deserialize(value).map(Self::Name)
        };
        read.map_err(D::Error::custom)
    }
}
