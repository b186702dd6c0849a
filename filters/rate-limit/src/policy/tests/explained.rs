//! Explanations.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{headers::usage, *};

fn explained() -> Policy {
    policy(&json!({
        "explain": [{"source": {"ip": ["10.0.0.0/8"]}}, {"headers": {"x-debug": {"exact": "1"}}}],
        "limits": [limit("pod", json!({})), {"name": "slots", "concurrent": 5},
            limit("user", json!({"key": [{"claim": "sub", "httpHeaderName": "x-user"}, {"method": true}]}))],
        "http": [{"match": [{"pathTemplate": "/a/{id}"}],
            "limits": [limit("item", json!({"key": [{"pathVariable": "id"}]}))]}]}))
}

#[test]
fn only_configured_callers_that_ask_get_one() {
    let policy = explained();
    let ask = ("x-weir-explain", "1");
    let from = |address: &str, headers: &[(&str, &str)]| Request {
        source_address: Some(address.parse().unwrap()),
        ..request(headers)
    };
    for (request, expected) in [
        (from("10.1.2.3", &[ask]), true),
        (from("10.1.2.3", &[]), false),
        (from("10.1.2.3", &[("x-weir-explain", "0")]), false),
        (from("192.0.2.1", &[ask]), false),
        (from("192.0.2.1", &[ask, ("x-debug", "1")]), true),
        (from("192.0.2.1", &[ask, ("x-debug", "1"), ("x-debug", "2")]), false),
        (request(&[ask]), false),
    ] {
        assert_eq!(policy.explains(&request), expected, "{request:?}");
    }
    assert!(!super::policy(&json!({})).explains(&request(&[ask])));
}

#[test]
fn names_limits_and_sources_but_no_values() {
    let policy = explained();
    let explain = |request: &Request| {
        let plan = plan(&policy, request);
        let usages: Vec<_> = plan.draws.iter().map(|draw| usage(*draw, 3, 1_500)).collect();
        policy.explanation(request, &plan, &usages)
    };
    let rest =
        "limit=pod;remaining=3;reset=2, limit=slots;remaining=3, limit=user;remaining=3;reset=2";
    let secret = ("x-user", "secret");
    for (request, item, key) in [
        (request(&[(":path", "/b"), (":method", "GET"), secret]), "", "header+method"),
        (request(&[(":path", "/b"), (":method", "GET")]), "", "missing+method"),
        (
            Request {
                claims: Some(json!({"sub": "secret"})),
                ..request(&[(":path", "/a/secret"), (":method", "GET")])
            },
            "limit=item;remaining=3;reset=2;key=path, ",
            "claim+method",
        ),
    ] {
        assert_eq!(explain(&request), format!("{item}{rest};key={key}"));
    }
    let exempt = super::policy(&json!({"limits": [limit("a", json!({}))], "http": [{}]}));
    let plan = plan(&exempt, &request(&[]));
    assert_eq!(exempt.explanation(&request(&[]), &plan, &[]), "none");
}
