//! Single values of the document, each legal by construction.

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

/// A header that may carry a tag.
#[derive(Clone, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(inline, with = "EditableHeaderName", extend("allOf" = [{"not": {"pattern": TAKEN}}]))]
pub struct TagHeader(HeaderName);

/// A number of percent up to 100 in steps of 0.01, at least `MIN` steps.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    with = "f64",
    title = "number of percent in steps of 0.01",
    extend("minimum" = f64::from(MIN) / 100.0, "maximum" = 100)
)]
pub struct Percent<const MIN: u16>(u16);

/// The headers that may not carry a tag, for schemas.
const TAKEN: &str = "^(cookie|set-cookie|baggage|x-weir-explain|content-.*|x-forwarded-.*)$";

impl BaggageKey {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TagHeader {
    /// The header where tags go unless another is named.
    pub const DEFAULT: Self = Self(HeaderName::from_static("x-weir-tag"));

    /// Returns the header's name.
    #[must_use]
    pub const fn name(&self) -> &HeaderName {
        &self.0
    }
}

impl<const MIN: u16> Percent<MIN> {
    /// Returns the hundredths of a percent.
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
        let taken = matches!(text, "cookie" | "set-cookie" | "baggage" | EXPLAIN)
            || text.starts_with("content-")
            || text.starts_with("x-forwarded-");
        if taken {
            let rule = format_args!("must be a header of its own, which {text} is not");
            return Err(D::Error::custom(rule));
        }
        Ok(Self(name))
    }
}

/// The header by which a caller asks why, and gets the answer.
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
                let from = if MIN == 0 { "from 0" } else { "above 0" };
                D::Error::custom(format_args!(
                    "must be a number of percent {from} up to 100 in steps of 0.01, {}",
                    Shown(&value)
                ))
            })
    }
}

/// Returns the hundredths of a percent if there is a whole number of them, up to rounding.
fn hundredths(percent: f64) -> Option<u16> {
    let steps = percent * 100.0;
    let whole = steps.round();
    let legal = (steps - whole).abs() < 1e-6 && (0.0..=100.0).contains(&percent);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    legal.then_some(whole as u16)
}
