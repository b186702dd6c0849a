//! Invalid and disabled entries, and destinations.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeMap;

use super::*;

#[test]
fn errors_name_the_field() {
    let secret = "accessLogging[0].fields.x.value: must not show a credential or an identity, unless redact is HASH";
    for (document, message) in [
        (
            json!({"providers": [{"name": "a"}, {"name": "b"}]}),
            "accessLogging[0].providers: must have at most one entry: write an entry of accessLogging for each",
        ),
        (
            json!({"providers": [{"name": "otel"}], "level": "INFO"}),
            "accessLogging[0].level: must not be given: only the proxy's own log has levels",
        ),
        (json!({"filter": {}}), "accessLogging[0].filter: must have either expression or match"),
        (
            json!({"filter": {"expression": "response.code"}}),
            "accessLogging[0].filter.expression: must be an expression of kind bool, got int",
        ),
        (
            json!({"fields": {"x": {}}}),
            "accessLogging[0].fields.x.value: must be given: it is not a standard field",
        ),
        (
            json!({"fields": {"x": {"value": "production"}}}),
            "accessLogging[0].fields.x.value: unknown attribute production; text needs quotes: \"'production'\"",
        ),
        (
            json!({"fields": {"x": {"value": "request.auth.audiences"}}}),
            "accessLogging[0].fields.x.value: must be an expression of kind string or number, got list of string",
        ),
        (
            json!({"fields": {"path": {"operation": "REMOVE", "value": "request.path"}}}),
            "accessLogging[0].fields.path: must have neither value nor redact with operation: REMOVE",
        ),
        (json!({"fields": {"x": {"value": "request.headers['authorization']"}}}), secret),
        (
            json!({"fields": {"x": {"value": "request.headers['x-api-key']", "redact": "MASK"}}}),
            secret,
        ),
        (json!({"fields": {"x": {"value": "request.auth.principal"}}}), secret),
        (json!({"fields": {"x": {"value": "response.headers['set-cookie']"}}}), secret),
        (
            json!({"maxPerSecond": 0}),
            "accessLogging.maxPerSecond: must be a whole number from 1 to 10000, got 0",
        ),
        (json!({"level": "ERROR"}), "accessLogging.level: must be `INFO` or `WARN`, got \"ERROR\""),
        (
            json!({"always": {"slowerThan": "2h"}}),
            "accessLogging.always.slowerThan: must be between 1ms and 1h, got \"2h\"",
        ),
        (
            json!({"format": "%REQ(:path)%"}),
            "accessLogging.format: must not be given: a line is one JSON object, use fields to change it",
        ),
    ] {
        assert_eq!(compiled(&document.to_string()).err().as_deref(), Some(message), "{document}");
    }
    let fields: BTreeMap<String, _> =
        (0..65).map(|field| (format!("f{field}"), json!({"value": "request.host"}))).collect();
    let error = compiled(&json!({ "fields": fields }).to_string()).err();
    assert_eq!(error.as_deref(), Some("accessLogging[0].fields: must have at most 64 entries"));
}

#[test]
fn field_names_are_restricted() {
    for name in ["", "a b", "a\"b", "é", &"x".repeat(65)] {
        let fields = json!({"fields": {name: {"value": "request.host"}}}).to_string();
        let error = compiled(&fields).err().unwrap();
        assert!(error.contains("must be 1 to 64 of A-Z a-z 0-9 . _ -"), "{error}");
    }
}

#[test]
fn disabled_entries_are_checked_but_not_compiled() {
    assert!(compiled(r#"{"disabled": true}"#).unwrap().0.is_none());
    assert!(compiled(r#"{"disabled": true, "filter": {}}"#).is_err());
}

#[test]
fn the_default_destination_is_the_proxy() {
    for (document, target) in [
        ("{}", LogTarget::Proxy(Level::Warn)),
        (r#"{"providers": [{"name": "envoy"}]}"#, LogTarget::Proxy(Level::Warn)),
        (r#"{"level": "INFO"}"#, LogTarget::Proxy(Level::Info)),
        (r#"{"providers": [{"name": "otel"}]}"#, LogTarget::Provider(1)),
    ] {
        assert_eq!(log(document).0.target, target);
    }
}
