//! Texts with a rule.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{
    Deserializer,
    de::{Deserialize, Error},
};
use serde_json::Value;

use crate::Got;

/// What an entry of `http` is called: 1 to 64 of `A-Z a-z 0-9 . _ -`.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 64 of A-Z a-z 0-9 . _ -",
    extend("pattern" = "^[A-Za-z0-9._-]{1,64}$")
)]
pub struct EntryName(String);

/// What tells assignments by the same key apart: 1 to 128 characters of printable ASCII.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 128 characters of printable ASCII",
    extend("pattern" = "^[ -~]{1,128}$")
)]
pub struct Salt(String);

/// Reads a text that `legal` accepts; `rule` says what is wanted of it, after "must be".
///
/// # Errors
///
/// Any other value, with the rule and the value.
pub fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    rule: &str,
    legal: impl Fn(&str) -> bool,
) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if legal(&text) => Ok(text),
        other => Err(D::Error::custom(format_args!("must be {rule}, {}", Got(&other)))),
    }
}

/// Says whether a text has nothing but printable ASCII.
#[must_use]
pub fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// Escapes what would end a line of a log or hide in it: control characters, Unicode's own line
/// ends, and marks that are not seen or turn the direction of writing.
///
/// The escapes are JSON's, so a line that is JSON stays what it is.
///
/// ```
/// assert_eq!(filter_core::one_line("a\n\u{2028}b"), r"a\n\u2028b");
/// ```
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => line.push_str(r"\n"),
            '\r' => line.push_str(r"\r"),
            '\t' => line.push_str(r"\t"),
            hidden if is_hidden(hidden) => {
                for unit in hidden.encode_utf16(&mut [0; 2]) {
                    line.push_str(&format!("\\u{unit:04x}"));
                }
            }
            letter => line.push(letter),
        }
    }
    Cow::Owned(line)
}

fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
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
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let legal = |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(plain);
        text(deserializer, "1 to 64 of A-Z a-z 0-9 . _ -", legal).map(Self)
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
    fn names_are_what_a_label_can_show() {
        let name = |text: &str| serde_json::from_value::<EntryName>(json!(text));
        let longest = "a".repeat(64);
        for legal in ["a", "A-z_0.9", "-", longest.as_str()] {
            assert_eq!(name(legal).unwrap().as_str(), legal);
        }
        let rule = "must be 1 to 64 of A-Z a-z 0-9 . _ -, got";
        assert_eq!(name("a b").unwrap_err().to_string(), format!(r#"{rule} "a b""#));
        let too_long = "a".repeat(65);
        for illegal in ["", "a/b", "a\n", "é", too_long.as_str()] {
            assert!(name(illegal).is_err(), "{illegal:?}");
        }
        let number = serde_json::from_value::<EntryName>(json!(7)).unwrap_err();
        assert_eq!(number.to_string(), format!("{rule} 7"));
    }

    #[test]
    fn a_line_of_a_log_stays_one_line() {
        for (text, line) in [
            ("", ""),
            ("plain \"text\" \\ é 中 e\u{301}", "plain \"text\" \\ é 中 e\u{301}"),
            ("a\r\nb\tc\0", r"a\r\nb\tc\u0000"),
            ("\u{85}\u{7f}\u{1b}[31m", r"\u0085\u007f\u001b[31m"),
            ("\u{2028}\u{2029}", r"\u2028\u2029"),
            ("a\u{202e}b\u{200b}\u{feff}", r"a\u202eb\u200b\ufeff"),
            ("\u{e0041}", r"\udb40\udc41"),
        ] {
            assert_eq!(one_line(text), line);
        }
    }

    #[test]
    fn salts_are_printable() {
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
