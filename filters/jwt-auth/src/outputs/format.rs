//! Formatting of claims as header values.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    config::OutputFormat,
    token::{Json, JsonRef},
};

/// Returns `true` if a claim counts as absent: null and the empty string, as in Envoy.
pub(super) fn is_absent(claim: JsonRef<'_>) -> bool {
    matches!(claim.value(), Json::Null) || claim.as_str() == Some("")
}

/// Formats a claim; `None` if it does not fit the format.
pub(super) fn write(claim: JsonRef<'_>, format: OutputFormat) -> Option<String> {
    match format {
        OutputFormat::Scalar => claim.scalar_text().map(Into::into),
        OutputFormat::Csv => comma_separated(claim),
        OutputFormat::Json => Some(ascii(claim.to_json())),
        OutputFormat::Base64Json => Some(STANDARD.encode(claim.to_json())),
    }
}

/// Formats a list, or a scalar as a list of one.
fn comma_separated(claim: JsonRef<'_>) -> Option<String> {
    let Some(elements) = claim.elements() else { return element(claim).map(Into::into) };
    let elements: Option<Vec<&str>> = elements.map(element).collect();
    elements.map(|elements| elements.join(","))
}

/// Returns an element that is safe in a comma-separated list: without commas and outer whitespace.
fn element(claim: JsonRef<'_>) -> Option<&str> {
    claim.scalar_text().filter(|text| !text.contains(',') && text.trim() == *text)
}

/// Escapes non-ASCII characters, which compact JSON has only in strings.
fn ascii(json: String) -> String {
    if json.is_ascii() {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}
