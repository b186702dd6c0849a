//! One line of JSON.

use serde::ser::{SerializeMap, Serializer};

use super::FieldValue;

/// Writes fields as one JSON object on one line; control bytes are escaped.
#[must_use]
pub fn line(fields: &[(&str, FieldValue)]) -> String {
    serde_json::to_string(&Members(fields)).unwrap_or_default()
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
