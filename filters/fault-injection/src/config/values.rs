//! Field types with their own validation.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use filter_core::{
    DurationWithin, EditableHeaderName, GrpcStatus, HeaderName, Shown, is_printable,
    schema::exactly_one, text,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

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

/// A gRPC status by name.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "String", extend("enum" = GrpcStatus::ALL.map(GrpcStatus::name)))]
pub struct GrpcStatusName(pub GrpcStatus);

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

/// A body of at most 64 KiB, as Istio's `HTTPBody`: exactly one of `string` and `bytes`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(try_from = "BodyDocument")]
#[schemars(with = "BodyDocument", transform = exactly_one(&FORMS))]
pub struct BodyText(Vec<u8>);

/// The fields of a body, of which exactly one must be set.
const FORMS: [&str; 2] = ["string", "bytes"];

const MAX_BODY_LEN: usize = 64 * 1024;

impl GrpcMessage {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl BodyText {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
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

impl<'de> Deserialize<'de> for GrpcStatusName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let named =
            GrpcStatus::ALL.into_iter().find(|status| value.as_str() == Some(status.name()));
        named.map(Self).ok_or_else(|| {
            let status = value.as_u64().and_then(GrpcStatus::from_code);
            let hint = status.map(|status| format!(": write {}", status.name()));
            let hint = hint.unwrap_or_default();
            D::Error::custom(format_args!(
                "must be the name of a gRPC status such as UNAVAILABLE, {}{hint}",
                Shown(&value)
            ))
        })
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct BodyDocument {
    /// Body as text.
    #[schemars(length(max = MAX_BODY_LEN))]
    string: Option<String>,
    /// Body in base64.
    #[schemars(extend("examples" = ["AAEC"]))]
    bytes: Option<String>,
}

impl TryFrom<BodyDocument> for BodyText {
    type Error = &'static str;

    fn try_from(document: BodyDocument) -> Result<Self, &'static str> {
        let bytes = match (document.string, document.bytes) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(encoded)) => {
                BASE64_STANDARD.decode(encoded).map_err(|_| "must have base64 in bytes")?
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err("must have exactly one of string and bytes");
            }
        };
        if bytes.len() > MAX_BODY_LEN {
            return Err("must be at most 64 KiB");
        }
        Ok(Self(bytes))
    }
}
