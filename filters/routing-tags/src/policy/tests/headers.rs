//! Header operations and explanations.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

fn response<'d>(decision: &'d Decision, name: &str) -> Vec<&'d str> {
    let edits = decision.response.iter().flat_map(|response| &response.edits);
    let pairs = edits.flat_map(|edits| edits.set.iter().chain(&edits.add));
    let found = pairs.filter(|(found, _)| found.as_str() == name);
    found.map(|(_, value)| str::from_utf8(value).unwrap()).collect()
}

#[test]
fn expands_placeholders() {
    let policy = policy(&json!({
        "headers": {
            "request": {"set": {"x-both": "%TAG%/%TAG(x-tier)%", "x-pct": "100%%"}},
            "response": {"set": {"x-served": "%TAG%"}},
        },
        "http": [
            {"name": "api", "match": [{"pathTemplate": "/o/{id}"}], "tag": "v2",
             "headers": {"request": {"set": {"x-why": "%RULE%:%PATH(id)%:%REQ(x-a)%:%CLAIM(sub)%"}},
                         "response": {"add": {"x-rule": "%RULE%"}}}},
            {"name": "tier", "tagHeader": "x-tier", "tag": "gold",
             "headers": {"request": {"set": {"x-own": "%TAG%"}}}},
        ],
    }));
    let headers = Headers::from_iter([(":path", "/o/7"), ("x-a", "b")]);
    let claims = Some(json!({"sub": "alice"}));
    let decision = decide(&policy, &Request { headers, claims, ..Request::default() });
    for (name, value) in
        [("x-both", "v2/gold"), ("x-pct", "100%"), ("x-why", "api:7:b:alice"), ("x-own", "gold")]
    {
        assert_eq!(set(&decision, name), Some(value));
    }
    assert_eq!(response(&decision, "x-served"), ["v2"]);
    assert_eq!(response(&decision, "x-rule"), ["api"]);
}

#[test]
fn the_top_level_rule_is_the_entry_that_decided_the_top_level_tag() {
    let policy = policy(&json!({
        "trustInbound": [{"headers": {"x-edge": {}}}],
        "headers": {
            "request": {"set": {"x-rule": "%RULE%"}},
            "response": {"set": {"x-served": "%RULE%/%TAG%"}},
        },
        "http": [
            {"name": "seen", "match": [{"headers": {"x-a": {}}}],
             "headers": {"request": {"set": {"x-seen": "%RULE%"}}}},
            {"name": "tier", "tagHeader": "x-tier", "tag": "gold"},
            {"name": "beta", "match": [{"headers": {"x-b": {}}}], "tag": "v2"},
        ],
    }));
    for (headers, rule, served) in [
        (&[("x-b", "1")][..], Some("beta"), Some("beta/v2")),
        (&[("x-a", "1"), ("x-b", "1")], Some("beta"), Some("beta/v2")),
        // No entry decided the tag of the top-level header.
        (&[], None, None),
        (&[("x-a", "1")], None, None),
        (&[("x-b", "1"), ("x-edge", "1"), ("x-weir-tag", "edge")], None, None),
    ] {
        let decision = decide(&policy, &request(headers.iter().copied()));
        assert_eq!(set(&decision, "x-rule"), rule, "{headers:?}");
        assert_eq!(response(&decision, "x-served"), Vec::from_iter(served), "{headers:?}");
        let refused = count(&decision, Metric::ValueRefused);
        assert_eq!(refused, if rule.is_some() { 0 } else { 2 }, "{headers:?}");
    }
}

#[test]
fn leaves_out_and_counts_refused_values() {
    let policy = entries(json!([{"tag": "v2", "headers": {"request": {
        "set": {"x-a": "%REQ(x-in)%", "x-b": "fine"}, "add": {"x-c": "%CLAIM(sub)%"},
    }}}]));
    let long = "x".repeat(1025);
    for value in ["a\r\nx-evil: 1", "\u{e9}", &long] {
        let decision = decide(&policy, &request([("x-in", value)]));
        assert_eq!((set(&decision, "x-a"), set(&decision, "x-b")), (None, Some("fine")));
        assert_eq!(count(&decision, Metric::ValueRefused), 2, "{value:?}");
    }
}

#[test]
fn an_entry_without_a_tag_only_changes_headers() {
    let policy = entries(json!([
        {"match": [{"headers": {"x-a": {}}}], "headers": {"request": {"set": {"x-seen": "1"}}}},
        {"tag": "v2"},
        {"tagHeader": "x-other", "headers": {"request": {"set": {"x-late": "1"}}}},
    ]));
    let decision = decide(&policy, &request([("x-a", "1")]));
    assert_eq!((tag(&decision), set(&decision, "x-seen")), (Some("v2"), Some("1")));
    assert_eq!(set(&decision, "x-late"), Some("1"));
    let forged = request([("x-a", "1"), ("x-other", "forged")]);
    let after = after(&forged, &decide(&policy, &forged));
    assert_eq!(texts(&after, "x-other"), [""; 0], "no entry gave x-other a tag");
}

#[test]
fn ignores_operations_of_entries_that_yield_no_tag() {
    let policy = entries(json!([
        {"tag": "%REQ(x-none)%", "headers": {"request": {"set": {"x-a": "1"}}}},
        {"tag": "v2"},
    ]));
    let decision = decide(&policy, &request([]));
    assert_eq!((tag(&decision), set(&decision, "x-a")), (Some("v2"), None));
}

#[test]
fn publishes_the_tag_of_the_top_level_header() {
    let top = json!({"match": [{"headers": {"x-a": {}}}], "tag": "v2"});
    let other = json!({"tagHeader": "x-other", "tag": "o"});
    for filter_state in [false, true] {
        for http in [json!([top]), json!([top, other])] {
            let policy = policy(&json!({"filterState": filter_state, "http": http}));
            assert_eq!(policy.writes_filter_state(), filter_state);
            let tag = |headers: &[(&str, &str)]| {
                decide(&policy, &request(headers.iter().copied())).filter_state.clone()
            };
            assert_eq!(tag(&[("x-a", "1")]).as_deref(), Some(&b"v2"[..]));
            assert_eq!(tag(&[]), None);
        }
    }
}

#[test]
fn explains_requests_that_match_explain() {
    let policy = policy(&json!({
        "explain": [{"headers": {"x-team": {"exact": "web"}}}],
        "http": [
            {"name": "beta", "match": [{"headers": {"x-beta": {}}}], "tag": "v2"},
            {"name": "frontend", "match": [{"headers": {"x-user": {}}}],
             "split": [{"tag": "stable", "weight": 90}, {"tag": "canary", "weight": 10}],
             "consistentHash": {"httpHeaderName": "x-user"}},
            {"name": "tier", "tagHeader": "x-tier", "match": [{"headers": {"x-tiers": {}}}], "tag": "t"},
        ],
    }));
    let (evaluate_entry, team) = (("x-weir-explain", "1"), ("x-team", "web"));
    for (headers, expected) in [
        (vec![evaluate_entry, team], Some("x-weir-tag=, x-tier=")),
        (vec![evaluate_entry, team, ("x-beta", "1")], Some("x-weir-tag=v2;rule=beta, x-tier=")),
        (
            vec![evaluate_entry, team, ("x-user", "user-9"), ("x-tiers", "1")],
            Some("x-weir-tag=stable;rule=frontend;key=header;weight=90, x-tier=t;rule=tier"),
        ),
        (vec![evaluate_entry, ("x-beta", "1")], None),
        (vec![team, ("x-beta", "1")], None),
        (vec![("x-weir-explain", "0"), team], None),
    ] {
        let decision = decide(&policy, &request(headers.clone()));
        let explanation =
            decision.response.as_ref().and_then(|response| response.explanation.clone());
        assert_eq!(explanation.as_deref(), expected, "{headers:?}");
    }
}
