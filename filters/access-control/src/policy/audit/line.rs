//! The text of an audit line.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

/// Maximum length of a line in bytes.
const MAX_LINE: usize = 4096;
/// Maximum length of a value in bytes, before it is escaped.
pub(super) const MAX_VALUE: usize = 256;

/// An audit line: a JSON object in printable ASCII.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The fields by their index.
    fields: BTreeMap<usize, String>,
    /// Length of the fields and their commas.
    length: usize,
}

impl Line {
    /// Adds a field with the first 256 bytes of a text, unless the line would be too long.
    pub(super) fn add_text(&mut self, index: usize, name: &str, value: &str) {
        self.add(index, format!("{}:{}", quoted(name), quoted(shortened(value))));
    }

    /// Adds a field with the value `false`, unless the line would be too long.
    pub(super) fn add_false(&mut self, index: usize, name: &str) {
        self.add(index, format!("{}:false", quoted(name)));
    }

    fn add(&mut self, index: usize, field: String) {
        let length = self.length.saturating_add(field.len()).saturating_add(1);
        // There is one comma less than fields, and there are two braces.
        if length < MAX_LINE {
            self.length = length;
            self.fields.insert(index, field);
        }
    }

    /// Returns the text, with the fields in the order of their indices.
    pub(super) fn finish(self) -> String {
        let fields: Vec<_> = self.fields.into_values().collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// Returns the longest prefix of at most 256 bytes that ends at a character.
fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_VALUE)).unwrap_or(text)
}

/// Returns a JSON string in printable ASCII.
///
/// All other characters are escaped: some tools end a line at U+0085 or U+2028, and others change
/// the direction of the text.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in Value::from(text).to_string().chars() {
        if matches!(character, ' '..='~') {
            quoted.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // A write to a string does not fail.
            let _ = write!(quoted, "\\u{unit:04x}");
        }
    }
    quoted
}
