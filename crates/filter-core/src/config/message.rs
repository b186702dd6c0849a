//! Error messages of serde, reworded for configuration documents.

use serde_json::Value;

use crate::config::shown::Shown;

/// The error message for `null`.
pub(super) const NULL_VALUE: &str = "must not be empty: leave the key out or give a value";

/// Rewords an error about `value` as the rule followed by the value.
pub(super) fn of(message: &str, value: &Value) -> String {
    if let Some(name) = did_you_mean(message) {
        return format!("must be written {name}");
    }
    let kinds = ["invalid type: ", "invalid value: ", "unknown variant "];
    if !kinds.iter().any(|kind| message.starts_with(kind)) {
        return message.to_owned();
    }
    if value.is_null() {
        return NULL_VALUE.to_owned();
    }
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("must be {}, {}", type_name(expected), Shown(value)),
        None => message.to_owned(),
    }
}

/// Removes fields from the suggestions of an error about an unknown field.
pub(super) fn without_fields(message: String, is_removed: impl Fn(&str) -> bool) -> String {
    let parts = message.rsplit_once(", expected ");
    let is_unknown_field = |text: &str| text.starts_with("unknown field `");
    let Some((unknown, fields)) = parts.filter(|(text, _)| is_unknown_field(text)) else {
        return message;
    };
    // Every second part is in backticks.
    let names = fields.split('`').skip(1).step_by(2);
    let fields: Vec<_> = names.filter(|name| !is_removed(name)).collect();
    match fields.as_slice() {
        [] => format!("{unknown}, there are no fields"),
        [one] => format!("{unknown}, expected `{one}`"),
        [one, other] => format!("{unknown}, expected `{one}` or `{other}`"),
        several => format!("{unknown}, expected one of `{}`", several.join("`, `")),
    }
}

/// Returns the message of a syntax error without line and column.
///
/// The document reaches a filter as one line, so a position does not help the author of the YAML.
pub(super) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

/// Returns the field whose name differs from the unknown one only in case, `_` and `-`, such as
/// `fixedDelay` for `fixed_delay`, which protobuf's JSON also accepts.
pub(crate) fn did_you_mean(message: &str) -> Option<&str> {
    let (unknown, expected) =
        message.strip_prefix("unknown field `")?.split_once("`, expected ")?;
    let mut known = expected.split('`').skip(1).step_by(2);
    known.find(|known| is_spelling_of(unknown, known))
}

/// Returns `true` if two names differ only in case, `_` and `-`.
pub(crate) fn is_spelling_of(name: &str, known: &str) -> bool {
    let letters = |text: &str| {
        let letters = text.chars().filter(|letter| !matches!(letter, '_' | '-'));
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    letters(name) == letters(known)
}

/// Parses a text that is a number or a boolean.
pub(super) fn unquoted(value: &Value) -> Option<Value> {
    let scalar: Value = serde_json::from_str(value.as_str()?).ok()?;
    (scalar.is_number() || scalar.is_boolean()).then_some(scalar)
}

/// Returns the name of a type in terms of a configuration document.
fn type_name(expected: &str) -> &str {
    match expected {
        "a map" | "map" => "an object",
        "a sequence" | "sequence" => "a list",
        "a boolean" => "true or false",
        "a string" | "string or map" | "a borrowed string" => "text",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number in range",
        "f32" | "f64" => "a number",
        named if named.starts_with("struct ") => "an object",
        other => other,
    }
}
