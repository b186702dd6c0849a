//! Field types with their own validation.

use filter_core::{EditableHeaderName, HeaderName, Shown, text};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// The key of a member of `baggage`: a token (W3C Baggage) of at most 64 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "key of W3C Baggage, 1 to 64 bytes",
    extend("pattern" = r"^[!#$&'*+.^_`|~0-9A-Za-z-]{1,64}$")
)]
pub struct BaggageKey(String);

/// The name of a request header that carries a tag.
#[derive(Clone, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(inline, with = "EditableHeaderName", extend("allOf" = [{"not": {"pattern": RESERVED}}]))]
pub struct TagHeader(HeaderName);

/// A percentage from `MIN` hundredths to 100, in steps of 0.01.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    with = "f64",
    title = "percentage in steps of 0.01",
    extend("minimum" = f64::from(MIN) / 100.0, "maximum" = 100)
)]
pub struct Percent<const MIN: u16>(u16);

/// The headers that must not carry a tag, for schemas.
const RESERVED: &str = "^(cookie|set-cookie|baggage|x-weir-explain|content-.*|x-forwarded-.*)$";

impl BaggageKey {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TagHeader {
    /// The default header.
    pub const DEFAULT: Self = Self(HeaderName::from_static("x-weir-tag"));

    /// Returns the header's name.
    #[must_use]
    pub const fn name(&self) -> &HeaderName {
        &self.0
    }
}

impl<const MIN: u16> Percent<MIN> {
    /// Returns the percentage in hundredths of a percent.
    #[must_use]
    pub const fn hundredths(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for BaggageKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
        text(deserializer, "a key of W3C Baggage without %, 1 to 64 bytes", |text| {
            (1..=64).contains(&text.len()) && text.bytes().all(legal)
        })
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for TagHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = EditableHeaderName::deserialize(deserializer)?.into_header_name();
        let text = name.as_str();
        let is_reserved = matches!(text, "cookie" | "set-cookie" | "baggage" | EXPLAIN)
            || text.starts_with("content-")
            || text.starts_with("x-forwarded-");
        if is_reserved {
            let rule = format_args!("must be a header for tags only, got \"{text}\"");
            return Err(D::Error::custom(rule));
        }
        Ok(Self(name))
    }
}

/// The request header that asks for an explanation, and the response header that contains it.
pub(crate) const EXPLAIN: &str = "x-weir-explain";

impl<'de, const MIN: u16> Deserialize<'de> for Percent<MIN> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        value
            .as_f64()
            .filter(|percent| *percent >= f64::from(MIN) / 100.0)
            .and_then(hundredths)
            .map(Self)
            .ok_or_else(|| {
                let range = if MIN == 0 { "from 0 to 100" } else { "from 0.01 to 100" };
                D::Error::custom(format_args!(
                    "must be a percentage {range} in steps of 0.01, {}",
                    Shown(&value)
                ))
            })
    }
}

/// Returns the hundredths of a percent, `None` if they are not a whole number from 0 to 10,000.
fn hundredths(percent: f64) -> Option<u16> {
    let steps = percent * 100.0;
    let whole = steps.round();
    let is_valid = (steps - whole).abs() < 1e-6 && (0.0..=100.0).contains(&percent);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    is_valid.then_some(whole as u16)
}
