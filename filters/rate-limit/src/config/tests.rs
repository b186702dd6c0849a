#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::parse_config;
use serde_json::{Value, json};

use super::Config;
use crate::Policy;

mod combinations;
mod fields;
mod keys;
mod numbers;
mod pasted;
mod references;
#[cfg(not(target_arch = "wasm32"))]
mod schema;
mod values;
mod warnings;

/// Returns the error about a document, or "accepted".
fn result(document: &Value) -> String {
    let compiled = parse_config::<Config>(document.to_string().as_bytes())
        .and_then(|config| Policy::new(&config).map(|_| ()));
    #[cfg(not(target_arch = "wasm32"))]
    schema_check::compare::<Config>(document, compiled.is_ok());
    compiled.map_or_else(|error| error.to_string(), |()| "accepted".to_owned())
}

/// Returns a document with one entry.
fn entry(entry: Value) -> Value {
    json!({"http": [entry]})
}

/// Returns a document with one limit.
fn limit(limit: Value) -> Value {
    json!({"limits": [limit]})
}

/// Returns a document with one limit of 10 requests per second, and these fields.
fn with(fields: Value) -> Value {
    let mut limit = json!({"requests": 10, "per": "1s"});
    limit.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"limits": [limit]})
}

#[track_caller]
fn check(cases: Vec<(Value, &str)>) {
    for (document, message) in cases {
        assert_eq!(result(&document), message, "{document}");
    }
}

#[test]
fn accepts_every_form() {
    let bucket = json!({"maxTokens": 100, "tokensPerFill": 10, "fillInterval": "50ms"});
    let template = json!([{"pathTemplate": "/users/{id}/orders"}]);
    let keys = json!([
        {"claim": "sub", "httpHeaderName": "x-user", "httpQueryParameterName": "user",
            "httpCookie": {"name": "user"}, "useSourceIp": true, "prefix": {"v4": 24, "v6": 56}},
        {"principal": true}, {"method": true}, {"attribute": "xds.route_name"}]);
    for document in [
        json!({}),
        json!({"limits": [], "http": [], "rateLimitHeaders": "ALL", "xRatelimitHeaders": true,
            "maxWaiting": 1.0, "explain": [{"source": {"ip": ["10.0.0.0/8"]}}], "dryRun": true,
            "pathNormalization": "BASE", "problem": {"detail": "NONE"},
            "metrics": {"labels": true}}),
        with(json!({"name": "a-1", "requests": 1_000_000.0, "per": "720h", "burst": 1_000})),
        with(json!({"window": "SLIDING", "key": keys, "onMissingKey": "SKIP", "maxKeys": 262_144})),
        with(json!({"window": "FIXED", "utcOffset": "+02:00", "per": "24h"})),
        with(json!({"cost": 0, "reserve": {"value": 30}, "wait": "30s", "replicas": 10_000})),
        with(json!({"cost": {"from": "%REQ(x-cost)%", "default": 0, "max": 5.0}})),
        with(json!({"charge": {"status": ["401", "5xx"], "grpcStatus": ["UNAUTHENTICATED"],
            "responseHeader": "x-tokens", "max": 10}, "enforced": {"value": 0}})),
        with(json!({"charge": {}})),
        with(json!({"requestsFrom": {"claim": "plan.rate", "default": 60, "max": 60}})),
        with(json!({"reply": {"httpStatus": 503, "body": {"string": "busy"},
            "headers": {"response": {"set": {"x-a": "b"}, "add": {"x-c": "d"}}}}})),
        limit(json!({"tokenBucket": bucket})),
        limit(json!({"tokenBucket": {"maxTokens": 5, "fillInterval": "1s"}, "wait": "4ms"})),
        limit(json!({"concurrent": 50, "key": [{"connection": true}], "onMissingKey": "DENY"})),
        json!({"limits": [{"name": "pod", "requests": 5, "per": "1s"}], "http": [
            {"name": "Batch jobs", "match": [{"uri": {"prefix": "/batch"}}], "limits": [
                {"ref": "pod", "cost": 2, "reserve": {"value": 50}, "wait": "1s",
                    "enforced": {"value": 50}}]},
            {"limits": [{"ref": "pod", "charge": {}}],
                "schedule": {"startsAt": "2026-01-01T00:00:00Z", "rampUp": "1h"}}]}),
        entry(json!({"match": template, "limits": [{"requests": 1, "per": "1s",
            "key": [{"pathVariable": "id"}], "cost": {"from": "%PATH(id)%"}}]})),
        entry(json!({"match": [{"uri": {"exact": "/healthz"}}]})),
    ] {
        assert_eq!(result(&document), "accepted", "{document}");
    }
}

#[test]
fn names_come_from_the_entry() {
    let limits = json!([{"requests": 1, "per": "1s"}]);
    let document = json!({"limits": limits, "http": [
        {"name": "Log in: É", "match": [{"uri": {"exact": "/a"}}], "limits": limits},
        {"limits": limits}]});
    let config = parse_config::<Config>(document.to_string().as_bytes());
    let policy = config.and_then(|config| Policy::new(&config));
    let error = "http[0].name: must be 1 to 128 characters of printable ASCII";
    assert!(policy.unwrap_err().to_string().starts_with(error));
    let document = document.to_string().replace('É', "E");
    let policy = Policy::new(&parse_config::<Config>(document.as_bytes()).unwrap()).unwrap();
    let names: Vec<_> = policy.limits().iter().map(|limit| limit.name.as_str()).collect();
    assert_eq!(names, ["limits-0", "log-in--e-0", "http-1-0"]);
}
