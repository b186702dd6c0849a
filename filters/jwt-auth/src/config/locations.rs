//! Locations of tokens in requests.

use filter_core::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use super::NonEmpty;

/// A header that may contain a token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FromHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// Text before the token, at most 64 bytes; case-insensitive. A comma separates items of the
    /// list that the header contains. Default: none, so that an item with three parts, or the only
    /// item, is a token.
    #[serde(default)]
    #[schemars(length(max = 64), extend("examples" = ["Bearer ", "access_token, "]))]
    pub prefix: String,
}

/// A cookie that may contain a token: a name as in Istio, or a name and a prefix.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum FromCookie {
    /// Name of the cookie, whose value is the token.
    Name(NonEmpty),
    /// Name of the cookie, and the text before the token in its value.
    Prefixed(PrefixedCookie),
}

/// A cookie whose token follows a prefix.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct PrefixedCookie {
    /// Name of the cookie.
    pub name: NonEmpty,
    /// Text before the token, at most 64 bytes; case-insensitive. Default: none.
    #[serde(default)]
    #[schemars(length(max = 64), extend("examples" = ["Bearer ", "Bearer%20"]))]
    pub prefix: String,
}

impl FromCookie {
    /// Returns the name of the cookie.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name.as_str(),
            Self::Prefixed(cookie) => cookie.name.as_str(),
        }
    }

    /// Returns the text before the token; empty if there is none.
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
