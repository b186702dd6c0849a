//! Hostile requests cause no panic and avoid no limit.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::Generator;

use super::*;

#[test]
fn accepts_any_bytes() {
    let policy = policy(&json!({
        "limits": [limit("a", json!({"key": [{"httpHeaderName": "x"}, {"httpCookie": {"name": "c"}},
            {"httpQueryParameterName": "q"}], "cost": {"from": "%REQ(x)%"}}))],
        "http": [{"match": [{"pathTemplate": "/a/{id}"}], "limits": [
            limit("b", json!({"key": [{"pathVariable": "id"}], "onMissingKey": "DENY"}))]}],
        "explain": [{"headers": {"x": {"regex": ".*"}}}]}));
    let mut generator = Generator::new(9);
    for _ in 0..5_000 {
        let headers = [":path", "cookie", "x", "x", ":method", "x-weir-explain"].map(|name| {
            let length = generator.bits() as usize % 20;
            let value: Vec<u8> = (0..length).map(|_| (generator.bits() as u8).max(1)).collect();
            (name, value)
        });
        let request = Request { headers: headers.into_iter().collect(), ..Request::default() };
        let plan = plan(&policy, &request);
        assert!(plan.draws.iter().any(|draw| policy.name_of(draw) == "a"));
        assert!(plan.draws.iter().all(|draw| draw.amount.cost >= 1));
        let usages: Vec<_> = plan.draws.iter().map(|draw| headers::usage(*draw, 0, 1)).collect();
        let explanation = policy.explanation(&request, &plan, &usages);
        assert!(explanation.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
    }
}

#[test]
fn no_header_changes_the_numbers_of_a_limit() {
    let policy = policy(&json!({"limits": [
        limit("a", json!({"requestsFrom": {"claim": "rate"}, "reserve": {"value": 20}}))]}));
    let expected = plan(&policy, &request(&[])).draws[0];
    for name in ["rate", "claim", "requests", "x-envoy-ratelimited", "x-ratelimit-limit"] {
        for value in ["0", "1000000", "-1", "1e9"] {
            assert_eq!(plan(&policy, &request(&[(name, value)])).draws[0], expected, "{name}");
        }
    }
}

#[test]
fn a_request_that_many_entries_may_match_is_refused() {
    let entry = |number: usize| {
        let limits: Vec<_> = (0..8).map(|n| limit(&format!("l{number}-{n}"), json!({}))).collect();
        json!({"match": [{"headers": {"x": {"exact": number.to_string()}}}], "limits": limits})
    };
    let entries: Vec<_> = (0..100).map(entry).collect();
    let policy = policy(&json!({"http": entries}));
    for (entries, denied) in [(1, false), (4, false), (5, true), (100, true)] {
        let values: Vec<_> = (0..entries).map(|number| number.to_string()).collect();
        let headers: Vec<_> = values.iter().map(|value| ("x", value.as_str())).collect();
        let plan = plan(&policy, &request(&headers));
        assert_eq!(plan.denied_by.is_some(), denied, "{entries}");
        assert_eq!(plan.draws.len(), entries.min(4) * 8, "{entries}");
    }
}
