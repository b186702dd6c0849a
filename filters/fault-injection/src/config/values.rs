//! Field types with their own validation.

use std::time::Duration;

use filter_core::{DurationWithin, EditableHeaderName, HeaderName, is_printable, text};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

/// An object without fields, which enables a feature.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Empty {}

/// A number.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(transparent)]
#[schemars(inline, with = "f64")]
pub struct Number(pub f64);

/// A duration in whole milliseconds.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "DurationWithin<MIN_MS, MAX_MS>")]
pub struct WholeMillis<const MIN_MS: u64, const MAX_MS: u64>(Duration);

/// A gRPC status message: at most 1,024 bytes of printable ASCII.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("pattern" = "^[ -~]{0,1024}$"))]
pub struct GrpcMessage(String);

/// The name of the response header that describes a fault.
///
/// Pseudo-headers, hop-by-hop headers, `host` and `content-*` are refused.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "EditableHeaderName",
    extend("allOf" = [{"not": {"pattern": "^content-"}}])
)]
pub struct MarkHeader(HeaderName);

impl GrpcMessage {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl MarkHeader {
    /// Returns the name.
    pub const fn as_header_name(&self) -> &HeaderName {
        &self.0
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> WholeMillis<MIN_MS, MAX_MS> {
    /// Returns the length.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl<'de> Deserialize<'de> for GrpcMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let legal = |text: &str| text.len() <= 1024 && is_printable(text);
        text(deserializer, "at most 1024 bytes of printable ASCII", legal).map(Self)
    }
}

impl<'de> Deserialize<'de> for MarkHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = EditableHeaderName::deserialize(deserializer)?;
        if name.as_str().starts_with("content-") {
            let name = name.as_str();
            return Err(D::Error::custom(format_args!(
                "must not be a header that describes the body, got \"{name}\""
            )));
        }
        Ok(Self(name.into_header_name()))
    }
}

impl<'de, const MIN_MS: u64, const MAX_MS: u64> Deserialize<'de> for WholeMillis<MIN_MS, MAX_MS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let length = DurationWithin::<MIN_MS, MAX_MS>::deserialize(deserializer)?.get();
        if length.subsec_nanos().checked_rem(1_000_000) != Some(0) {
            return Err(D::Error::custom(format_args!(
                "must be whole milliseconds, as in Istio, got {length:?}"
            )));
        }
        Ok(Self(length))
    }
}
