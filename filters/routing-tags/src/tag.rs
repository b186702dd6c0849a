//! Tags.

use std::{fmt, rc::Rc, str::FromStr};

use filter_core::Shown;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// The name of a version: a Kubernetes label value that is not empty.
///
/// 1 to 63 characters of `[A-Za-z0-9._-]`, with a letter or digit at both ends. A tag can therefore
/// neither inject a header nor be read as a list.
///
/// ```
/// use routing_tags::Tag;
///
/// assert!("v2.1-canary".parse::<Tag>().is_ok());
/// assert!("v2,v3".parse::<Tag>().is_err());
/// ```
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    title = "label value",
    extend("pattern" = "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$", "examples" = ["v2"])
)]
pub struct Tag(Rc<str>);

/// The error for a text that is not a tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidTag;

impl Tag {
    /// Parses the value of a header. Returns `None` if it is not a tag.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        str::from_utf8(bytes).ok()?.parse().ok()
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the bytes of the text, without a copy.
    #[must_use]
    pub fn bytes(&self) -> Rc<[u8]> {
        Rc::clone(&self.0).into()
    }
}

impl FromStr for Tag {
    type Err = InvalidTag;

    fn from_str(text: &str) -> Result<Self, InvalidTag> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let legal = text.len() <= 63
            && text.bytes().all(inner)
            && outer(text.bytes().next())
            && outer(text.bytes().last());
        if legal { Ok(Self(text.into())) } else { Err(InvalidTag) }
    }
}

impl fmt::Display for InvalidTag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "must be a label value: 1 to 63 of A to Z, a to z, 0 to 9, dot, _ and -, with a letter or digit at both ends",
        )
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for InvalidTag {}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let tag = value.as_str().ok_or(InvalidTag).and_then(str::parse);
        tag.map_err(|rule| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn accepts_only_label_values() {
        for text in ["a", "7", "v2", "a.b-c_d", "us-east", "1.2.3", &"x".repeat(63)] {
            assert_eq!(text.parse::<Tag>().map(|tag| tag.to_string()).as_deref(), Ok(text));
        }
        let long = "x".repeat(64);
        for text in ["", "-a", "a-", ".a", "a_", "a b", "a,b", "a\r\nb", "é", "a\0b", &long] {
            assert_eq!(text.parse::<Tag>(), Err(InvalidTag), "{text:?}");
        }
        assert_eq!(Tag::from_bytes(b"v\xff"), None);
    }
}
