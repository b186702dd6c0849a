//! Envoy's dynamic metadata.

use serde_json::{Map, Number, Value};

use super::decode::{Field, MalformedMessage, all_fields};

/// The maximum nesting depth of values.
const MAX_DEPTH: usize = 64;
/// The largest integer that only one integer is rounded to as a double: 2^53 - 1.
pub const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// Decodes what a filter has written to an `envoy.config.core.v3.Metadata`; `None` if it has written
/// nothing.
///
/// Whole numbers become integers.
///
/// # Errors
///
/// Fails if the message is malformed, or nested deeper than 64 values.
pub fn filter_metadata(message: &[u8], filter: &str) -> Result<Option<Value>, MalformedMessage> {
    let mut found = None;
    for field in all_fields(message) {
        let (1, Field::Bytes(entry)) = field? else { continue };
        let (name, content) = map_entry(entry)?;
        if name == filter {
            found = Some(structure(content, MAX_DEPTH)?);
        }
    }
    Ok(found)
}

/// Decodes the key and the value of an entry of a map.
fn map_entry(entry: &[u8]) -> Result<(&str, &[u8]), MalformedMessage> {
    let (mut key, mut value): (&[u8], &[u8]) = Default::default();
    for field in all_fields(entry) {
        match field? {
            (1, Field::Bytes(bytes)) => key = bytes,
            (2, Field::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    Ok((text(key)?, value))
}

/// Decodes a `google.protobuf.Struct`.
fn structure(message: &[u8], depth: usize) -> Result<Value, MalformedMessage> {
    let mut members = Map::new();
    for field in all_fields(message) {
        if let (1, Field::Bytes(entry)) = field? {
            let (name, member) = map_entry(entry)?;
            members.insert(name.to_owned(), value(member, depth)?);
        }
    }
    Ok(Value::Object(members))
}

/// Decodes a `google.protobuf.Value`.
fn value(message: &[u8], depth: usize) -> Result<Value, MalformedMessage> {
    let depth = depth.checked_sub(1).ok_or(MalformedMessage)?;
    let mut found = Value::Null;
    for field in all_fields(message) {
        match field? {
            (2, Field::Fixed64(bits)) => found = number(f64::from_bits(bits)),
            (3, Field::Bytes(bytes)) => found = Value::from(text(bytes)?),
            (4, Field::Varint(flag)) => found = Value::Bool(flag != 0),
            (5, Field::Bytes(inner)) => found = structure(inner, depth)?,
            (6, Field::Bytes(inner)) => found = list(inner, depth)?,
            _ => {}
        }
    }
    Ok(found)
}

/// Decodes a `google.protobuf.ListValue`.
fn list(message: &[u8], depth: usize) -> Result<Value, MalformedMessage> {
    let mut elements = Vec::new();
    for field in all_fields(message) {
        if let (1, Field::Bytes(element)) = field? {
            elements.push(value(element, depth)?);
        }
    }
    Ok(Value::Array(elements))
}

/// Returns a number; `null` if it is not finite.
fn number(double: f64) -> Value {
    if double.fract() == 0.0 && double.abs() <= MAX_SAFE_INTEGER {
        // Exact, because the number is whole and small enough.
        if let Ok(integer) = format!("{double:.0}").parse::<i64>() {
            return Value::from(integer);
        }
    }
    Number::from_f64(double).map_or(Value::Null, Value::Number)
}

fn text(bytes: &[u8]) -> Result<&str, MalformedMessage> {
    std::str::from_utf8(bytes).map_err(|_| MalformedMessage)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::protobuf::bytes;

    fn encoded(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        match value {
            Value::Null => out.extend([8, 0]),
            Value::Bool(flag) => {
                out.extend([0x20, u8::from(*flag)]);
            }
            Value::Number(number) => {
                out.push(0x11);
                out.extend(number.as_f64().unwrap_or_default().to_bits().to_le_bytes());
            }
            Value::String(text) => bytes(3, text.as_bytes(), &mut out),
            Value::Object(_) => bytes(5, &fields(value), &mut out),
            Value::Array(elements) => {
                let mut list = Vec::new();
                elements.iter().for_each(|element| bytes(1, &encoded(element), &mut list));
                bytes(6, &list, &mut out);
            }
        }
        out
    }

    fn fields(object: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, member) in object.as_object().into_iter().flatten() {
            bytes(1, &entry(name, &encoded(member)), &mut out);
        }
        out
    }

    fn entry(name: &str, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        bytes(1, name.as_bytes(), &mut out);
        bytes(2, content, &mut out);
        out
    }

    fn metadata(content: &[(&str, &Value)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in content {
            bytes(1, &entry(name, &fields(value)), &mut out);
            // Typed metadata is skipped.
            bytes(2, &entry(name, b"any"), &mut out);
        }
        out
    }

    #[test]
    fn decodes_what_one_filter_has_written() {
        let payload = json!({
            "payload": {"iss": "a", "aud": ["b", 1], "level": 5, "share": 0.5, "admin": true,
                "none": null, "nested": {"deep": {}}, "large": 9_007_199_254_740_991_i64},
        });
        let other = json!({"payload": {"iss": "other"}});
        let message = metadata(&[("x", &other), ("jwt", &payload), ("y", &other)]);
        assert_eq!(filter_metadata(&message, "jwt"), Ok(Some(payload)));
        assert_eq!(filter_metadata(&message, "z"), Ok(None));
        assert_eq!(filter_metadata(&[], "jwt"), Ok(None));
    }

    #[test]
    fn bounds_the_depth() {
        let nested = |depth: usize| (0..depth).fold(json!("a"), |inner, _| json!([inner]));
        let of = |depth| metadata(&[("x", &json!({"a": nested(depth)}))]);
        assert!(filter_metadata(&of(63), "x").is_ok());
        assert_eq!(filter_metadata(&of(64), "x"), Err(MalformedMessage));
    }

    #[test]
    fn refuses_malformed_messages() {
        let message = metadata(&[("x", &json!({"a": "b"}))]);
        for length in 1..message.len() {
            let part = message.get(..length).unwrap_or_default();
            if let Ok(found) = filter_metadata(part, "x") {
                assert_eq!(found, Some(json!({"a": "b"})), "{length}");
            }
        }
        let mut text = Vec::new();
        bytes(1, &entry("\u{e9}", &[]), &mut text);
        let invalid = text.iter().map(|byte| if *byte == 0xc3 { 0xff } else { *byte });
        assert!(filter_metadata(&invalid.collect::<Vec<_>>(), "x").is_err());
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn reads_any_bytes(bytes: Vec<u8>) {
            let _ = filter_metadata(&bytes, "");
        }
    }
}
