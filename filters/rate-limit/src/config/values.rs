//! Field types with their own validation.

use filter_core::{Shown, text};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// The maximum number of units and requests.
pub(crate) const MAX_UNITS: u64 = 1_000_000;

/// The name of a limit.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 63 characters a-z, 0-9 and -",
    extend("pattern" = "^[a-z0-9-]{1,63}$", "examples" = ["user"])
)]
pub struct LimitName(String);

/// A status code, such as `401`, or a class of status codes, such as `5xx`.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    title = "status code such as 401, or class such as 5xx",
    extend("pattern" = "^[1-5]([0-9][0-9]|xx)$", "examples" = ["401", "5xx"])
)]
pub enum StatusPattern {
    /// One code.
    Code(u16),
    /// All codes with this first digit.
    Class(u16),
}

impl LimitName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl StatusPattern {
    /// Returns `true` if a status code matches.
    #[must_use]
    pub const fn contains(self, status: u16) -> bool {
        match self {
            Self::Code(code) => code == status,
            Self::Class(first) => status / 100 == first,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, rest) = text.split_at_checked(1)?;
        let class: u16 = first.parse().ok().filter(|class| (1..=5).contains(class))?;
        match rest {
            "xx" => Some(Self::Class(class)),
            digits if digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().ok().map(Self::Code)
            }
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for LimitName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let legal = |text: &str| (1..=63).contains(&text.len()) && text.bytes().all(is_legal);
        text(deserializer, "1 to 63 characters a-z, 0-9 and -", legal).map(Self)
    }
}

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        value.as_str().and_then(Self::parse).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be a status code such as \"401\" or a class such as \"5xx\", {}",
                Shown(&value)
            ))
        })
    }
}
