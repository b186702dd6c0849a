//! Limits that a rate-limit service counts.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::service::Unit;

/// Returns a policy with a limit of 10 per second with `scope: GLOBAL` and these fields, for paths
/// `/t/{id}`.
fn global(fields: Value) -> Policy {
    let mut limit = limit("a", fields);
    limit["scope"] = json!("GLOBAL");
    policy(&json!({
        "rateLimitService": {"cluster": "limits", "domain": "shop", "sendLimit": true},
        "http": [{"match": [{"pathTemplate": "/t/{id}"}], "limits": [limit]}]}))
}

#[test]
fn the_service_gets_the_limit_of_all_replicas() {
    for (fields, expected) in [
        (json!({"replicas": 3}), 10),
        (json!({"replicas": 3, "requestsFrom": {"claim": "rate"}}), 700),
        (json!({"replicas": 3, "requestsFrom": {"claim": "none", "default": 50}}), 50),
        (json!({"requestsFrom": {"claim": "rate", "max": 600}}), 600),
    ] {
        let claims = Some(json!({"rate": 700}));
        let request = Request { claims, ..request(&[(":path", "/t/1")]) };
        let plan = plan(&global(fields.clone()), &request);
        let limit = plan.global[0].descriptor.limit.unwrap();
        assert_eq!((limit.requests_per_unit, limit.unit), (expected, Unit::Second), "{fields}");
    }
}

/// Returns the values of the descriptor of a request; an empty list if the limit does not hold.
fn values(policy: &Policy, path: &str, headers: &[(&str, &str)]) -> Vec<String> {
    let headers: Vec<_> = headers.iter().copied().chain([(":path", path)]).collect();
    let plan = plan(policy, &request(&headers));
    let entries = plan.global.iter().flat_map(|draw| &draw.descriptor.entries);
    entries.map(|(_, value)| value.clone()).collect()
}

#[test]
fn only_a_request_without_the_key_skips_a_limit() {
    let key = json!([{"httpHeaderName": "x-a"}]);
    let by_default = global(json!({"key": key, "onMissingKey": "SKIP"}));
    let descriptor = json!([{"key": "a", "value": "%REQ(x-a)%"}]);
    let configured = global(json!({"key": key, "onMissingKey": "SKIP", "descriptor": descriptor}));
    for (path, headers, expected) in [
        ("/t/1", &[("x-a", "1")][..], Some("1")),
        ("/t/1", &[("x-a", "1"), ("x-a", "1")], Some("1")),
        ("/t/1", &[("x-a", "1"), ("x-a", "2")], Some("missing")),
        ("/t/1", &[("x-a", "")], None),
        ("/t/1", &[], None),
        ("/t//1", &[], Some("missing")),
    ] {
        let last = |policy| values(policy, path, headers).pop();
        assert_eq!(last(&by_default).as_deref(), expected, "{path} {headers:?}");
        assert_eq!(last(&configured).as_deref(), expected, "{path} {headers:?}");
    }
}

#[test]
fn a_value_that_cannot_be_sent_skips_no_limit() {
    let policy = global(json!({
        "key": [{"httpHeaderName": "x-a"}, {"pathVariable": "id"}], "onMissingKey": "SKIP",
        "descriptor": [{"key": "a", "value": "%REQ(x-a)%"}, {"key": "id", "value": "%PATH(id)%"}]}));
    let a = [("x-a", "1")];
    assert_eq!(values(&policy, "/t/b", &a), ["1", "b"]);
    assert_eq!(values(&policy, "/t/%62", &a), ["1", "b"], "an encoded character");
    for path in ["/t/%ff", "/t/%01"] {
        assert_eq!(values(&policy, path, &a), ["1", "missing"], "{path}");
    }
    assert_eq!(values(&policy, "/t/b", &[]), Vec::<String>::new());
}

#[test]
fn a_limit_that_is_not_enforced_refuses_no_missing_value() {
    for (percent, is_denied) in [(0, false), (100, true)] {
        let policy = global(json!({
            "key": [{"pathVariable": "id"}], "onMissingKey": "DENY",
            "enforced": {"value": percent},
            "descriptor": [{"key": "a", "value": "%REQ(x-a)%"}]}));
        let plan = plan(&policy, &request(&[(":path", "/t/1")]));
        assert_eq!(plan.denied_by.is_some(), is_denied);
        assert_eq!((plan.tolerated, plan.missing_keys), (u64::from(!is_denied), 1));
    }
}
