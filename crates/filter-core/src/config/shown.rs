//! Refused values in error messages.

use std::fmt;

use serde_json::Value;

/// Maximum length of a displayed text, in characters.
const MAX_CHARS: usize = 64;

/// Displays a refused value at the end of a message, as `got "x y"`.
///
/// Text is quoted as in JSON and truncated after 64 characters. Lists and objects are only named.
/// Not for types that hold secrets.
///
/// ```
/// use filter_core::Shown;
///
/// assert_eq!(Shown(&serde_json::json!("x y")).to_string(), r#"got "x y""#);
/// assert_eq!(Shown(&serde_json::json!([1, 2])).to_string(), "got a list");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Array(_) => out.write_str("got a list"),
            Value::Object(_) => out.write_str("got an object"),
            Value::String(text) => write!(out, "got {}", QuotedText(text)),
            scalar => write!(out, "got {scalar}"),
        }
    }
}

/// Displays text in JSON quotes, truncated after 64 characters.
pub(crate) struct QuotedText<'a>(pub(crate) &'a str);

impl fmt::Display for QuotedText<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(MAX_CHARS).collect();
        let rest = if shown.len() < self.0.len() { "…" } else { "" };
        write!(out, "{}{rest}", Value::String(shown))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[test]
    fn shows_each_kind_of_value_on_one_line() {
        for (value, shown) in [
            (json!(null), "got null"),
            (json!(true), "got true"),
            (json!(1.5), "got 1.5"),
            (json!("a\n\"b\""), r#"got "a\n\"b\"""#),
            (json!([1]), "got a list"),
            (json!({"a": 1}), "got an object"),
        ] {
            assert_eq!(Shown(&value).to_string(), shown);
        }
    }

    #[test]
    fn truncates_long_text_between_characters() {
        let text = "é".repeat(65);
        assert_eq!(Shown(&json!(text)).to_string(), format!("got \"{}\"…", "é".repeat(64)));
    }
}
