//! Changes to headers: as configured, and as applied to a message.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{
    config::shown::Shown,
    config::unique_keys::unique_keys,
    values::header_name::{EditableHeaderName, HeaderName},
};

/// Changes to the headers of the request and of the response, as in a VirtualService.
///
/// ```
/// use filter_core::HeaderOperations;
///
/// let operations: HeaderOperations =
///     serde_json::from_str(r#"{"response": {"set": {"Retry-After": "3"}}}"#)?;
/// let edits = operations.response.edits();
/// assert_eq!(edits.set[0].0.as_str(), "retry-after");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"response": {"set": {"retry-after": "3"}}}]))]
pub struct HeaderOperations {
    /// Changes to the request.
    #[serde(default)]
    pub request: HeaderChanges,
    /// Changes to the response.
    #[serde(default)]
    pub response: HeaderChanges,
}

/// Changes to the headers of one message. Names must be unique within each field.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"set": {"x-variant": "b"}, "remove": ["x-debug"]}]))]
pub struct HeaderChanges {
    /// Headers to set, by name; each replaces all existing values.
    #[serde(default, deserialize_with = "unique_keys")]
    pub set: BTreeMap<EditableHeaderName, HeaderText>,
    /// Headers to add, by name; existing values are kept.
    #[serde(default, deserialize_with = "unique_keys")]
    pub add: BTreeMap<EditableHeaderName, HeaderText>,
    /// Names of headers to remove.
    #[serde(default)]
    pub remove: Vec<EditableHeaderName>,
}

/// The value of a header: printable ASCII and tabs, at most 4,096 bytes.
///
/// Some filters expand placeholders in it.
#[derive(Clone, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(inline, extend("maxLength" = MAX_LEN, "pattern" = r"^[\t -~]*$"))]
pub struct HeaderText(String);

/// Changes to the headers of one message, applied in the order `remove`, `set`, `add`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HeaderEdits {
    /// Headers to remove, with all their values.
    pub remove: Vec<HeaderName>,
    /// Headers to set; each replaces all existing values.
    pub set: Vec<(HeaderName, Vec<u8>)>,
    /// Headers to add; existing values are kept.
    pub add: Vec<(HeaderName, Vec<u8>)>,
}

impl HeaderOperations {
    /// Returns `true` if neither message is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }
}

impl HeaderChanges {
    /// Returns `true` if nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.add.is_empty() && self.remove.is_empty()
    }

    /// Returns the name of every changed header.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let written = self.set.keys().chain(self.add.keys());
        self.remove.iter().chain(written).map(EditableHeaderName::as_header_name)
    }

    /// Returns the edits with each value as configured.
    #[must_use]
    pub fn edits(&self) -> HeaderEdits {
        self.edits_with(|text| Some(text.as_str().as_bytes().to_vec()))
    }

    /// Returns the edits with each value expanded by `expand`; a header is skipped if that returns
    /// `None`.
    #[must_use]
    pub fn edits_with(
        &self,
        mut expand: impl FnMut(&HeaderText) -> Option<Vec<u8>>,
    ) -> HeaderEdits {
        let mut expanded = |texts: &BTreeMap<EditableHeaderName, HeaderText>| {
            let pairs = texts.iter();
            let values = pairs.filter_map(|(name, text)| {
                expand(text).map(|value| (name.as_header_name().clone(), value))
            });
            values.collect()
        };
        HeaderEdits {
            remove: self.remove.iter().map(|name| name.as_header_name().clone()).collect(),
            set: expanded(&self.set),
            add: expanded(&self.add),
        }
    }
}

impl HeaderEdits {
    /// Returns `true` if nothing is changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }
}

impl HeaderText {
    /// Returns the text as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const MAX_LEN: usize = 4096;

impl<'de> Deserialize<'de> for HeaderText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let printable = |byte: u8| matches!(byte, b'\t' | 0x20..=0x7e);
        let legal = |text: &&str| text.len() <= MAX_LEN && text.bytes().all(printable);
        value.as_str().filter(legal).map(|text| Self(text.to_owned())).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be at most {MAX_LEN} bytes of printable ASCII, {}",
                Shown(&value)
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::parse_config;

    #[test]
    fn converts_operations_to_edits() {
        let document =
            br#"{"request": {"set": {"X-A": "1"}, "add": {"x-b": "2"}, "remove": ["x-c"]}}"#;
        let operations: HeaderOperations = parse_config(document).unwrap();
        let names: Vec<_> = operations.request.names().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-c", "x-a", "x-b"]);
        assert_eq!(
            operations.request.edits(),
            HeaderEdits {
                remove: vec![HeaderName::from_static("x-c")],
                set: vec![(HeaderName::from_static("x-a"), b"1".to_vec())],
                add: vec![(HeaderName::from_static("x-b"), b"2".to_vec())],
            }
        );
        assert!(operations.response.edits().is_empty());
        assert!(!operations.is_empty());
    }

    #[test]
    fn skips_a_value_that_cannot_be_expanded() {
        let document = br#"{"response": {"set": {"a": "%TAG%", "b": "2"}}}"#;
        let operations: HeaderOperations = parse_config(document).unwrap();
        let edits = operations.response.edits_with(|text| {
            (!text.as_str().contains('%')).then(|| text.as_str().as_bytes().to_vec())
        });
        assert_eq!(edits.set, [(HeaderName::from_static("b"), b"2".to_vec())]);
    }

    #[test]
    fn refuses_invalid_operations() {
        let long = format!(r#"{{"request": {{"set": {{"a": "{}"}}}}}}"#, "x".repeat(4097));
        let ascii = "must be at most 4096 bytes of printable ASCII";
        for (document, message) in [
            (
                r#"{"request": {"set": {"x y": "1"}}}"#,
                r#"request.set["x y"]: must be a header name, got "x y""#.into(),
            ),
            (
                r#"{"request": {"set": {":path": "1"}}}"#,
                r#"request.set[":path"]: must be a header name, not a pseudo-header, got ":path""#
                    .into(),
            ),
            (
                r#"{"response": {"remove": ["a", "Host"]}}"#,
                r#"response.remove[1]: must not be host, which the route decides, got "Host""#
                    .into(),
            ),
            (
                r#"{"request": {"add": {"a": "b\r\nc: d"}}}"#,
                format!(r#"request.add.a: {ascii}, got "b\r\nc: d""#),
            ),
            (r#"{"request": {"add": {"a": 5}}}"#, format!("request.add.a: {ascii}, got 5")),
            (
                r#"{"request": {"set": {"a": "1", "A": "2"}}}"#,
                "request.set: must have unique names, got a twice".into(),
            ),
            (r#"{"request": {"set": ["a"]}}"#, "request.set: must be an object, got a list".into()),
            (&long, format!("request.set.a: {ascii}, got \"{}\"…", "x".repeat(64))),
        ] {
            let error = parse_config::<HeaderOperations>(document.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
