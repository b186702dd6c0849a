use std::time::{Duration, SystemTime};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{Headers, Reply, Request, Timestamp, parse_config};
use serde_json::{Value, json};

use super::*;
use crate::{Config, Secret, windows::Amount};

mod charges;
mod costs;
mod draws;
mod enforcement;
mod explained;
mod global;
mod headers;
mod hostile;
mod matching;
mod replies;
mod schedules;
mod structured_fields;

fn policy(document: &Value) -> Policy {
    let config = parse_config::<Config>(document.to_string().as_bytes()).unwrap();
    let policy = Policy::new(&config).unwrap_or_else(|error| panic!("{document}: {error}"));
    #[cfg(not(target_arch = "wasm32"))]
    schema_check::compare::<Config>(document, true);
    policy
}

fn request(headers: &[(&str, &str)]) -> Request {
    Request { headers: headers.iter().copied().collect::<Headers>(), ..Request::default() }
}

fn at(text: &str) -> SystemTime {
    text.parse::<Timestamp>().unwrap().get()
}

/// Returns inputs with the lowest draw.
fn inputs() -> Inputs {
    Inputs { secret: Secret([7; 16]), now: at("2026-11-21T12:00:00Z"), draw: 0 }
}

fn plan(policy: &Policy, request: &Request) -> Plan {
    policy.plan(request, &inputs())
}

/// Returns the names of the limits that apply to a request, separated by spaces.
fn met(policy: &Policy, request: &Request) -> String {
    let plan = plan(policy, request);
    let names: Vec<_> = plan.draws.iter().map(|draw| policy.name_of(draw)).collect();
    names.join(" ")
}

impl Policy {
    fn name_of(&self, draw: &PlannedDraw) -> &str {
        &self.limits[draw.limit].name
    }
}

/// Returns a limit of 10 per second with a name and these fields.
fn limit(name: &str, fields: Value) -> Value {
    let mut limit = json!({"name": name, "requests": 10, "per": "1s"});
    limit.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    limit
}

#[test]
fn an_empty_document_needs_nothing() {
    for document in [json!({}), json!({"http": [{"match": [{"headers": {"x": {}}}]}]})] {
        let policy = policy(&document);
        assert!(policy.is_idle() && policy.needs().is_empty(), "{document}");
        assert!(plan(&policy, &request(&[])).is_empty());
        assert!(!policy.uses_wall_clock() && policy.unreadable().is_none());
    }
}

#[test]
fn reads_only_what_the_limits_need() {
    let document = json!({"limits": [
        limit("a", json!({"key": [{"claim": "sub", "httpCookie": {"name": "c"}}, {"method": true},
            {"attribute": "xds.route_name"}, {"connection": true}]})),
        limit("b", json!({"key": [{"useSourceIp": true, "httpQueryParameterName": "q"}],
            "cost": {"from": "%REQ(x-cost)%"}}))],
        "explain": [{"headers": {"x-debug": {"exact": "1"}}}]});
    let policy = policy(&document);
    let needs = policy.needs();
    let names: Vec<&str> = needs.headers.iter().map(String::as_str).collect();
    assert_eq!(names, [":method", ":path", "cookie", "x-cost", "x-debug", "x-weir-explain"]);
    assert!(needs.claims && needs.source_address && !needs.source_principal);
    let attributes: Vec<&str> = needs.attributes.iter().map(String::as_str).collect();
    assert_eq!(attributes, ["connection.id", "xds.route_name"]);
}

#[test]
fn only_schedules_and_fixed_windows_use_the_wall_clock() {
    let schedule = json!({"expiresAt": "2030-01-01T00:00:00Z"});
    for (document, is_used) in [
        (json!({"limits": [limit("a", json!({}))]}), false),
        (json!({"limits": [limit("a", json!({"window": "SLIDING"}))]}), false),
        (json!({"limits": [limit("a", json!({"window": "FIXED"}))]}), true),
        (json!({"http": [{"limits": [limit("a", json!({}))], "schedule": {}}]}), false),
        (json!({"http": [{"limits": [limit("a", json!({}))], "schedule": schedule}]}), true),
    ] {
        assert_eq!(policy(&document).uses_wall_clock(), is_used, "{document}");
    }
}
