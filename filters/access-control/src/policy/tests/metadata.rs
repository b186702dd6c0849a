//! Dynamic metadata.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn with(written: Value) -> Request {
    let metadata = [("envoy.filters.http.lua".to_owned(), written)].into();
    Request { metadata, ..request(&[]) }
}

fn when(condition: Value) -> Value {
    let mut condition = condition;
    condition["key"] = json!("experimental.envoy.filters.http.lua[team]");
    json!({"when": [condition]})
}

#[test]
fn texts_and_elements_of_lists_match() {
    for (condition, written, expected) in [
        (json!({"values": ["a"]}), json!({"team": "a"}), true),
        (json!({"values": ["a*"]}), json!({"team": "ab"}), true),
        (json!({"values": ["*"]}), json!({"team": "ab"}), true),
        (json!({"values": ["*"]}), json!({"team": ""}), false),
        (json!({"values": ["a"]}), json!({"team": "b"}), false),
        (json!({"values": ["a"]}), json!({"other": "a"}), false),
        (json!({"values": ["a"]}), json!({"team": ["a"]}), false),
        (json!({"values": ["[a]"]}), json!({"team": ["b", "a"]}), true),
        (json!({"values": ["[a*]"]}), json!({"team": ["b", "ab"]}), true),
        (json!({"values": ["[a]"]}), json!({"team": "a"}), false),
        (json!({"values": ["b", "[a]"]}), json!({"team": "b"}), true),
        (json!({"values": ["a"]}), json!({"team": {"a": "a"}}), false),
        (json!({"notValues": ["a"]}), json!({"team": "a"}), false),
        (json!({"notValues": ["a"]}), json!({}), true),
        (json!({"match": {"prefix": "a"}}), json!({"team": ["b", "ab"]}), true),
        (json!({"match": {"range": {"from": 5, "to": 6}}}), json!({"team": 5}), true),
    ] {
        let rule = when(condition.clone());
        assert_eq!(matches(&rule, &with(written.clone())), expected, "{condition} {written}");
    }
    for (condition, written) in [
        (json!({"values": ["5"]}), json!({"team": 5})),
        (json!({"values": ["[true]"]}), json!({"team": [true]})),
    ] {
        assert!(is_unsure(&when(condition.clone()), &with(written)), "{condition}");
    }
    assert!(!matches(&when(json!({"values": ["a"]})), &request(&[])));
}

#[test]
fn only_the_named_filters_are_read() {
    let document = json!({"rules": [when(json!({"values": ["a"]}))]});
    let compiled = policies(&document);
    assert_eq!(compiled.needs().metadata, ["envoy.filters.http.lua".to_owned()].into());
    assert!(!compiled.needs().istio_identity);
    let users = json!({"rules": [{"from": [{"source": {"requestPrincipals": ["*"]}}]}]});
    assert!(policies(&users).needs().istio_identity);
}

#[test]
fn bad_keys_and_values_are_refused() {
    let errors = |key: &str, value: &str| {
        errors(&json!({"rules": [{"when": [{"key": key, "values": [value]}]}]}))
    };
    for key in [
        "experimental.envoy.filters.http.lua",
        "experimental.envoy.filters.http.lua[]",
        "experimental.envoy.filters.http.lua[a][b]",
        "experimental.envoy.filters.http.lua[a",
    ] {
        let found = errors(key, "a");
        assert!(found.contains("rules[0].when[0].key: must be experimental.envoy"), "{found}");
    }
    let found = errors("experimental.envoy.filters.http.lua[a]", "[]");
    assert!(found.contains("values[0]: must have a text in its brackets, got \"[]\""), "{found}");
}
