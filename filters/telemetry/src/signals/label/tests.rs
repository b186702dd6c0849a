#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::parse_config;

use super::*;
use crate::{
    config::Dimension,
    expression::{AttributeCache, Value},
};

struct Stream(AttributeCache, Option<Value>);

impl Attributes for Stream {
    fn value(&self, slot: Slot) -> Option<&Value> {
        self.0.get(slot, || self.1.clone())
    }
}

fn compile(document: &str) -> Result<(Label, AttributeTable), String> {
    let dimension: Dimension =
        parse_config(document.as_bytes()).map_err(|error| error.to_string())?;
    let (mut reads, mut errors) = (AttributeTable::default(), ConfigErrors::default());
    match Label::compile(&dimension.0, Phase::End, "d.x", &mut reads, &mut errors) {
        Some(label) if errors.is_empty() => Ok((label, reads)),
        _ => Err(errors.finish(()).unwrap_err().to_string()),
    }
}

fn shown(document: &str, value: Option<Value>) -> Result<String, EvaluationError> {
    let (label, reads) = compile(document).unwrap();
    let stream = Stream(reads.new_cache(), value);
    label.apply(&stream).map(|text| String::from_utf8_lossy(&text).into_owned())
}

const HEADER: &str = r#""value": "request.headers['x']""#;

#[test]
fn transforms_apply_in_order() {
    for (fields, value, expected) in [
        ("", "Gold", "Gold"),
        (r#", "lower": true"#, "GOLD é", "gold é"),
        (r#", "extract": "/tenants/([^/]+)/.*""#, "/tenants/acme/x", "acme"),
        (r#", "extract": "/tenants/([^/]+)/.*""#, "/x/tenants/acme/x", "unknown"),
        (r#", "extract": "a|b(c)""#, "a", "unknown"),
        (r#", "extract": "x(.*)""#, "x", "unknown"),
        (r#", "map": {"gold": "paid", "silver": "paid"}"#, "silver", "paid"),
        (r#", "map": {"gold": "paid"}"#, "Gold", "other"),
        (r#", "lower": true, "map": {"gold": "paid"}"#, "Gold", "paid"),
        (r#", "values": ["eu", "us"]"#, "us", "us"),
        (r#", "values": ["eu", "us"]"#, "ap", "other"),
        (r#", "buckets": [100, 500]"#, "100", "100-500"),
        (r#", "buckets": [100, 500]"#, "-1", "<100"),
        (r#", "buckets": [0.5]"#, "1e3", "0.5+"),
        (r#", "buckets": [100, 500]"#, "many", "other"),
        (r#", "lower": true, "extract": "v(.+)", "buckets": [2]"#, "V2.5", "2+"),
        (r#", "values": ["eu"]"#, "", "unknown"),
    ] {
        let document = format!("{{{HEADER}{fields}}}");
        assert_eq!(
            shown(&document, Some(Value::text(value))).as_deref(),
            Ok(expected),
            "{document}"
        );
    }
    let document = format!("{{{HEADER}, \"values\": [\"eu\"]}}");
    assert_eq!(shown(&document, None), Err(EvaluationError::Missing));
}

#[test]
fn values_of_every_kind_are_converted() {
    for (document, value, expected) in [
        (r#""response.code""#, Value::Int(404), "404"),
        (r#""connection.mtls""#, Value::Bool(true), "true"),
        (r#""request.duration""#, Value::Duration(1_500_000_000), "1.5s"),
        (r#"{"value": "response.code", "buckets": [400, 500]}"#, Value::Int(404), "400-500"),
        (r#""'production'""#, Value::Int(0), "production"),
        (r#""request.host + '/' + request.host""#, Value::text("a"), "a/a"),
    ] {
        assert_eq!(shown(document, Some(value)).as_deref(), Ok(expected));
    }
}

#[test]
fn labels_with_listed_values_are_bounded() {
    for (document, is_bounded) in [
        (r#""request.host""#, false),
        (r#""'production'""#, true),
        (r#"{"value": "request.host", "lower": true, "extract": "(a.*)"}"#, false),
        (r#"{"value": "request.host", "map": {"a": "b"}}"#, true),
        (r#"{"value": "request.host", "values": ["a"]}"#, true),
        (r#"{"value": "response.code", "buckets": [1]}"#, true),
    ] {
        let (label, _) = compile(document).unwrap();
        assert_eq!(label.is_bounded(), is_bounded, "{document}");
        assert_eq!(label.max_values(), None);
    }
    let (label, _) = compile(r#"{"value": "request.host", "maxValues": 200}"#).unwrap();
    assert_eq!(label.max_values(), Some(200));
}

#[test]
fn errors_name_the_field() {
    let secret = "d.x.value: must not show a credential or an identity, unless map, values or buckets bound the values";
    for (document, message) in [
        ("{}", "d.x: must have a value"),
        ("1", "the configuration: must be a CEL expression, or an object with a value, got 1"),
        (
            r#""production""#,
            "d.x.value: unknown attribute production; text needs quotes: \"'production'\"",
        ),
        (
            r#"{"value": "request.host", "map": {"a": "b"}, "values": ["a"]}"#,
            "d.x: must have at most one of map, values and buckets",
        ),
        (r#"{"value": "request.host", "values": []}"#, "d.x.values: must have 1 to 1000 entries"),
        (r#"{"value": "request.host", "map": {}}"#, "d.x.map: must have 1 to 1000 entries"),
        (
            r#"{"value": "request.host", "buckets": [2, 1]}"#,
            "buckets: must be a list of 1 to 64 numbers, each larger than the one before, got a list",
        ),
        (
            r#"{"value": "request.host", "extract": "(a)(b)"}"#,
            "extract: must be a regular expression in RE2 syntax with one group, of at most 1024 bytes, got \"(a)(b)\"",
        ),
        (
            r#"{"value": "request.host", "extract": "a)|(b"}"#,
            "extract: must be a regular expression in RE2 syntax with one group, of at most 1024 bytes, got \"a)|(b\"",
        ),
        (
            r#"{"value": "request.host", "maxValues": 0}"#,
            "maxValues: must be a whole number from 1 to 1000, got 0",
        ),
        (
            r#"{"value": "request.auth.audiences"}"#,
            "d.x.value: must be an expression of kind string or number, got list of string",
        ),
        (r#"{"value": "request.auth.claims['sub']"}"#, secret),
        (r#"{"value": "request.headers['Cookie']", "extract": "(a).*"}"#, secret),
        (
            r#"{"value": "request.host", "regex": "x"}"#,
            "regex: unknown field `regex`, expected one of `operation`, `value`, `lower`, `extract`, `map`, `values`, `buckets`, `maxValues`",
        ),
    ] {
        assert_eq!(compile(document).err().as_deref(), Some(message));
    }
    let closed = r#"{"value": "request.auth.claims['plan']", "values": ["gold"]}"#;
    assert!(compile(closed).is_ok());
}
