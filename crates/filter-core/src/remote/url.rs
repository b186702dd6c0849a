//! URLs of fetched documents in a configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

use super::Endpoint;
use crate::text;

/// An absolute `http` or `https` URL without user information and fragment, at most 2,048 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    extend(
        "maxLength" = 2048,
        "pattern" = r"^https?://[!$-\[\]-~]+$",
        "examples" = ["https://idp.example.com/.well-known/jwks.json"]
    )
)]
pub struct FetchUrl(Endpoint);

impl FetchUrl {
    /// Returns the parsed URL.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.0
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
