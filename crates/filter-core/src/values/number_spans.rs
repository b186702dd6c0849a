//! Numbers of a JSON text with their original digits.

use std::{fmt, ops::Range};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// An iterator over the byte ranges of the numbers in a JSON text.
///
/// A parser of the same text advances it at each number and keeps the digits that a floating-point
/// number would round.
///
/// ```
/// use filter_core::NumberSpans;
///
/// let json = r#"{"id": 18446744073709551617, "n 1": [1.10, "2"]}"#;
/// let numbers: Vec<_> = NumberSpans::new(json).map(|span| &json[span]).collect();
/// assert_eq!(numbers, ["18446744073709551617", "1.10"]);
/// ```
#[derive(Clone, Debug)]
pub struct NumberSpans<'a> {
    json: &'a [u8],
    next: usize,
}

impl<'a> NumberSpans<'a> {
    /// Creates an iterator; the text must be valid JSON up to the last requested number.
    #[must_use]
    pub const fn new(json: &'a str) -> Self {
        Self { json: json.as_bytes(), next: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.json.get(self.next..).unwrap_or_default()
    }

    fn skip(&mut self, bytes: usize) {
        self.next = self.next.saturating_add(bytes);
    }

    /// Skips a string whose opening quote is already skipped.
    fn skip_string(&mut self) {
        while let Some(index) = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\')) {
            let is_escape = self.rest().get(index) == Some(&b'\\');
            self.skip(index.saturating_add(if is_escape { 2 } else { 1 }));
            if !is_escape {
                return;
            }
        }
        self.next = self.json.len();
    }
}

impl Iterator for NumberSpans<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let begins = |byte: &u8| matches!(byte, b'"' | b'-' | b'0'..=b'9');
        loop {
            let Some(index) = self.rest().iter().position(begins) else {
                self.next = self.json.len();
                return None;
            };
            self.skip(index);
            if self.rest().first() != Some(&b'"') {
                break;
            }
            self.skip(1);
            self.skip_string();
        }
        let start = self.next;
        let belongs = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.rest().iter().position(|byte| !belongs(byte));
        self.skip(length.unwrap_or(self.rest().len()));
        Some(start..self.next)
    }
}

/// Parses JSON and converts numbers to strings of their digits; `None` if it is invalid.
///
/// Claims are compared and forwarded as text, and numeric identifiers must not be rounded.
///
/// ```
/// use filter_core::parse_exact;
///
/// let claims = parse_exact(br#"{"uid": 18446744073709551617}"#);
/// assert_eq!(claims, Some(serde_json::json!({"uid": "18446744073709551617"})));
/// ```
#[must_use]
pub fn parse_exact(json: &[u8]) -> Option<Value> {
    let json = std::str::from_utf8(json).ok()?;
    let mut numbers = NumberSpans::new(json);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = Exact { json, numbers: &mut numbers }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

struct Exact<'n, 'a> {
    json: &'a str,
    numbers: &'n mut NumberSpans<'a>,
}

impl<'a> Exact<'_, 'a> {
    const fn inner(&mut self) -> Exact<'_, 'a> {
        Exact { json: self.json, numbers: &mut *self.numbers }
    }

    fn number<E: serde::de::Error>(self) -> Result<Value, E> {
        let digits = self.numbers.next().and_then(|span| self.json.get(span));
        digits.map(Value::from).ok_or_else(|| E::custom("not a number"))
    }
}

impl<'de> DeserializeSeed<'de> for Exact<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Exact<'_, '_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Value, E> {
        self.number()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Value, E> {
        self.number()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Value, E> {
        self.number()
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(self.inner())? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            members.insert(name, map.next_value_seed(self.inner())?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn keeps_the_digits_of_numbers() {
        for number in [
            "0",
            "-0",
            "-0.0",
            "7",
            "1.10",
            "1e3",
            "1E+05",
            "-1.5e-7",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "12345678901234567890123",
            "0.1000000000000000055511151231257827",
        ] {
            let read = parse_exact(format!("{{\"a\":[{number} ,{number}]}}").as_bytes());
            assert_eq!(read, Some(json!({"a": [number, number]})), "{number}");
            assert_eq!(parse_exact(number.as_bytes()), Some(json!(number)));
        }
    }

    #[test]
    fn ignores_digits_in_strings() {
        for (json, wanted) in [
            (r#"{"1":"2","-":3}"#, json!({"1": "2", "-": "3"})),
            (r#"["\"4","\\",5,"\u0036\\\"7",8]"#, json!(["\"4", "\\", "5", "6\\\"7", "8"])),
            (
                r#"{"a":{"b":[true,null,false,"e1"]},"c":1}"#,
                json!({"a": {"b": [true, null, false, "e1"]}, "c": "1"}),
            ),
        ] {
            assert_eq!(parse_exact(json.as_bytes()), Some(wanted), "{json}");
        }
    }

    #[test]
    fn refuses_text_that_is_not_json() {
        for json in ["", "{", "1 2", "01", "1e400", "\"a", "[1,]", "\"\\", "-"] {
            assert_eq!(parse_exact(json.as_bytes()), None, "{json}");
            assert!(NumberSpans::new(json).count() <= 2, "{json}");
        }
        assert_eq!(parse_exact(b"\"\xff\""), None);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn changes_only_numbers(text in "[\\[\\]{}\",:\\\\a-e0-9. +-]{0,24}") {
            let plain: Option<Value> = serde_json::from_str(&text).ok();
            let exact = parse_exact(text.as_bytes());
            proptest::prop_assert_eq!(plain.is_some(), exact.is_some());
            let both = plain.zip(exact);
            proptest::prop_assert!(both.is_none_or(|(plain, exact)| is_alike(&plain, &exact)));
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn is_alike(plain: &Value, exact: &Value) -> bool {
        match (plain, exact) {
            (Value::Number(number), Value::String(digits)) => {
                serde_json::from_str(digits).is_ok_and(|read: serde_json::Number| read == *number)
            }
            (Value::Array(plain), Value::Array(exact)) => {
                plain.len() == exact.len() && plain.iter().zip(exact).all(|(a, b)| is_alike(a, b))
            }
            (Value::Object(plain), Value::Object(exact)) => {
                plain.len() == exact.len()
                    && plain.iter().all(|(name, a)| exact.get(name).is_some_and(|b| is_alike(a, b)))
            }
            (plain, exact) => plain == exact,
        }
    }
}
