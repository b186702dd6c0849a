//! Formats a record as a line of JSON.

use std::fmt::Write as _;

use filter_core::is_visible;
use serde::ser::{SerializeMap, Serializer};

use super::FieldValue;

/// Formats fields as a JSON object on one line. Invisible characters are escaped.
#[must_use]
pub fn line(fields: &[(&str, FieldValue)]) -> String {
    let json = serde_json::to_string(&Members(fields)).unwrap_or_default();
    if json.chars().all(is_visible) {
        return json;
    }
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        if is_visible(character) {
            line.push(character);
            continue;
        }
        // Such a character occurs only inside a string, where JSON escapes it as UTF-16 units.
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(line, "\\u{unit:04x}");
        }
    }
    line
}

/// Returns the length in bytes of a character in a JSON string.
pub(super) fn size(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        _ if is_visible(character) => character.len_utf8(),
        _ => character.len_utf16().saturating_mul(6),
    }
}

struct Members<'a>(&'a [(&'a str, FieldValue)]);

impl serde::Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            match value {
                FieldValue::Text(text) => members.serialize_entry(name, text)?,
                FieldValue::Int(whole) => members.serialize_entry(name, whole)?,
                FieldValue::Double(number) => members.serialize_entry(name, number)?,
                FieldValue::Bool(value) => members.serialize_entry(name, value)?,
            }
        }
        members.end()
    }
}
