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
