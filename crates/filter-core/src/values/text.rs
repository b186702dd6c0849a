//! Text with constraints.

use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::{
    Deserializer,
    de::{Deserialize, Error},
};
use serde_json::Value;

use crate::Shown;

/// The name of an `http` entry: 1 to 128 characters of printable ASCII.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 128 characters of printable ASCII",
    extend("pattern" = "^[ -~]{1,128}$", "examples" = ["checkout-canary"])
)]
pub struct EntryName(String);

/// Salt of a hash, which makes assignments of the same keys independent: 1 to 128 characters of
/// printable ASCII.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 128 characters of printable ASCII",
    extend("pattern" = "^[ -~]{1,128}$", "examples" = ["checkout-2"])
)]
pub struct Salt(String);

/// Deserializes a text that `legal` accepts; `rule` completes the message "must be …".
///
/// # Errors
///
/// Fails for any other value, with the rule and the value.
pub fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    rule: &str,
    legal: impl Fn(&str) -> bool,
) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if legal(&text) => Ok(text),
        other => Err(D::Error::custom(format_args!("must be {rule}, {}", Shown(&other)))),
    }
}

/// Displays a text in one line.
///
/// Control characters, line and paragraph separators, invisible characters and bidirectional
/// controls are escaped as in JSON; quotes and backslashes are unchanged. A line of JSON remains
/// valid.
///
/// ```
/// use filter_core::OneLine;
///
/// assert_eq!(OneLine("a\"b\n\u{2028}c").to_string(), r#"a"b\n\u2028c"#);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            visible if is_visible(visible) => out.write_char(visible),
            hidden => {
                let mut units = [0; 2];
                let mut units = hidden.encode_utf16(&mut units).iter();
                units.try_for_each(|unit| write!(out, "\\u{unit:04x}"))
            }
        })
    }
}

/// Returns `true` if a character is visible and does not alter the layout of a log line.
#[must_use]
pub fn is_visible(letter: char) -> bool {
    matches!(letter, ' '..='~') || (!letter.is_ascii() && letter.escape_debug().len() == 1)
}

/// Returns `true` if a text consists of printable ASCII.
#[must_use]
pub fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

impl EntryName {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Salt {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for EntryName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let legal = |text: &str| (1..=128).contains(&text.len()) && is_printable(text);
        text(deserializer, "1 to 128 characters of printable ASCII", legal).map(Self)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let legal = |text: &str| (1..=128).contains(&text.len()) && is_printable(text);
        text(deserializer, "1 to 128 characters of printable ASCII", legal).map(Self)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[test]
    fn accepts_only_printable_names() {
        let name = |text: &str| serde_json::from_value::<EntryName>(json!(text));
        let longest = "a".repeat(128);
        for legal in ["a", "A-z_0.9", "-", "match v1", "a/b", longest.as_str()] {
            assert_eq!(name(legal).unwrap().as_str(), legal);
        }
        let rule = "must be 1 to 128 characters of printable ASCII, got";
        assert_eq!(name("é").unwrap_err().to_string(), format!(r#"{rule} "é""#));
        let too_long = "a".repeat(129);
        for illegal in ["", "a\n", "é", too_long.as_str()] {
            assert!(name(illegal).is_err(), "{illegal:?}");
        }
        let number = serde_json::from_value::<EntryName>(json!(7)).unwrap_err();
        assert_eq!(number.to_string(), format!("{rule} 7"));
    }

    #[test]
    fn escapes_characters_that_break_a_log_line() {
        for (text, line) in [
            ("", ""),
            ("plain \"text\" \\ é 中", "plain \"text\" \\ é 中"),
            ("a\r\nb\tc\0", r"a\r\nb\tc\u0000"),
            ("\u{85}\u{7f}\u{1b}[31m", r"\u0085\u007f\u001b[31m"),
            ("\u{2028}\u{2029}", r"\u2028\u2029"),
            ("a\u{202e}b\u{200b}\u{feff}", r"a\u202eb\u200b\ufeff"),
            ("\u{e0041}", r"\udb40\udc41"),
        ] {
            assert_eq!(OneLine(text).to_string(), line);
        }
    }

    #[test]
    fn accepts_only_printable_salts() {
        let salt = |text: &str| serde_json::from_value::<Salt>(json!(text));
        let longest = "~".repeat(128);
        for legal in [" ", "round 2!", longest.as_str()] {
            assert_eq!(salt(legal).unwrap().as_str(), legal);
        }
        let too_long = "~".repeat(129);
        for illegal in ["", "é", "\u{1f}", "\u{7f}", too_long.as_str()] {
            assert!(salt(illegal).is_err(), "{illegal:?}");
        }
    }
}
