//! The choice of the entry and of the tag.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

#[test]
fn the_first_entry_that_matches_decides() {
    let policy = entries(json!([
        {"name": "premium", "match": [{"headers": {"x-user-type": {"exact": "premium"}}}], "tag": "v2"},
        {"name": "us", "match": [{"headers": {"x-country-code": {"exact": "US"}}}], "tag": "us-east"},
        {"name": "rest", "tag": "v1"},
    ]));
    for (headers, expected) in [
        (vec![("x-user-type", "premium")], "v2"),
        (vec![("x-country-code", "US")], "us-east"),
        (vec![("x-country-code", "US"), ("x-user-type", "premium")], "v2"),
        (vec![("x-user-type", "basic"), ("x-user-type", "premium")], "v2"),
        (vec![], "v1"),
    ] {
        let decision = decide(&policy, &request(headers.clone()));
        assert_eq!(tag(&decision), Some(expected), "{headers:?}");
        assert!(decision.strip.is_empty());
    }
}

#[test]
fn an_empty_configuration_strips_and_decides_nothing() {
    let policy = policy(&json!({}));
    let decision = decide(&policy, &request([]));
    assert_eq!(decision.strip, policy.tag_headers());
    assert_eq!(counted(&policy, &decision), ["weir_routing_tags_untagged_total"]);
    assert!(decision.request.is_empty() && decision.response.is_none());
    assert_eq!(policy.needs().headers.len(), 0);
}

#[test]
fn entries_for_different_headers_are_independent() {
    let policy = entries(json!([
        {"name": "a", "tag": "one"},
        {"name": "b", "tagHeader": "X-Tier", "match": [{"headers": {"x-t": {}}}], "tag": "gold"},
        {"name": "c", "tagHeader": "x-tier", "tag": "none"},
    ]));
    for (headers, tier) in [(vec![("x-t", "1")], "gold"), (vec![], "none")] {
        let decision = decide(&policy, &request(headers));
        assert_eq!((tag(&decision), set(&decision, "x-tier")), (Some("one"), Some(tier)));
    }
    assert_eq!(policy.tag_headers().len(), 2);
}

#[test]
fn expands_tags_with_placeholders() {
    let policy = entries(json!([
        {"name": "shard", "match": [{"pathTemplate": "/t/{tenant}/{rest=**}"}], "tag": "shard-%PATH(tenant)%"},
        {"name": "claim", "match": [{"claims": {"tier": {"present": true}}}], "tag": "%CLAIM(tier)%"},
        {"name": "header", "tag": "%REQ(x-v)%"},
        {"name": "rest", "tag": "rest"},
    ]));
    let claims = |tier| Some(json!({"tier": tier}));
    for (path, header, claims, expected, invalid) in [
        ("/t/7/a", "v", None, "shard-7", 0),
        ("/t/7/a?x=1", "v", None, "shard-7", 0),
        ("/t/a_/b", "v9", None, "v9", 1),
        ("/", "v9", claims(json!("gold")), "gold", 0),
        ("/", "v9", claims(json!(["x"])), "v9", 1),
        ("/", "v 9", claims(json!("-")), "rest", 2),
        ("/", "", None, "rest", 1),
        ("/", "a\r\nb", None, "rest", 1),
    ] {
        let headers = Headers::from_iter([(":path", path), ("x-v", header)]);
        let decision = decide(&policy, &Request { headers, claims, ..Request::default() });
        assert_eq!(tag(&decision), Some(expected), "{path} {header:?}");
        assert_eq!(count(&decision, Metric::TagInvalid), invalid, "{path} {header:?}");
    }
}

#[test]
fn a_split_by_key_has_the_documented_result() {
    let policy = entries(json!([{
        "name": "checkout",
        "split": [{"tag": "stable", "weight": 90}, {"tag": "canary", "weight": 10}],
        "consistentHash": {"httpHeaderName": "x-user"},
    }]));
    for (user, expected) in [("alice", "stable"), ("user-7", "canary")] {
        for bits in [0, u64::MAX / 2] {
            let decision = decide_at(&policy, &request([("x-user", user)]), at(0), bits);
            assert_eq!(tag(&decision), Some(expected));
            assert_eq!(count(&decision, Metric::Unkeyed), 0);
        }
    }
    let decision = decide_at(&policy, &request([]), at(0), u64::MAX - 9);
    assert_eq!((tag(&decision), count(&decision, Metric::Unkeyed)), (Some("canary"), 1));
}

#[test]
fn a_split_without_a_key_is_random() {
    let policy = entries(json!([
        {"split": [{"tag": "a", "weight": 1}, {"tag": "b", "weight": 1}]},
    ]));
    for (bits, expected) in [(0, "a"), (u64::MAX - 1, "b")] {
        let decision = decide_at(&policy, &request([]), at(0), bits);
        assert_eq!((tag(&decision), count(&decision, Metric::Unkeyed)), (Some(expected), 0));
    }
}

#[test]
fn only_equal_salts_choose_alike() {
    let policy = |salt| {
        entries(json!([{
            "name": "a", "salt": salt, "consistentHash": {"httpHeaderName": "x-user"},
            "split": [{"tag": "a", "weight": 1}, {"tag": "b", "weight": 1}],
        }]))
    };
    let (one, two, other) = (policy("s"), policy("s"), policy("t"));
    let mut moved = 0;
    for user in 0..100 {
        let request = request([("x-user", user.to_string().as_str())]);
        let chosen = |policy| tag(&decide(policy, &request)).map(str::to_owned);
        assert_eq!(chosen(&one), chosen(&two));
        moved += u32::from(chosen(&one) != chosen(&other));
    }
    assert!((30..70).contains(&moved), "{moved}");
}

#[test]
fn an_issued_cookie_is_already_the_key_of_its_request() {
    let policy = entries(json!([{
        "name": "frontend",
        "split": [{"tag": "stable", "weight": 1}, {"tag": "canary", "weight": 1}],
        "consistentHash": {"httpCookie": {"name": "weir_id", "ttl": "720h"}},
    }]));
    for bits in 0..50_u64 {
        let first =
            decide_at(&policy, &request([]), at(0), bits.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let response = first.response.as_ref().unwrap();
        let [cookie] = response.cookies.as_slice() else { panic!("{response:?}") };
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax");
        assert_eq!(pair.len(), "weir_id=".len() + 32);
        assert_eq!(count(&first, Metric::CookiesIssued), 1);
        let again = decide(&policy, &request([("cookie", pair)]));
        assert_eq!(tag(&again), tag(&first));
        assert_eq!((again.response.as_ref(), count(&again, Metric::CookiesIssued)), (None, 0));
    }
}

#[test]
fn an_entry_matches_only_within_its_schedule() {
    let policy = entries(json!([
        {"schedule": {"startsAt": "2026-12-01T09:00:00Z", "expiresAt": "2026-12-01T18:00:00Z"}, "tag": "day"},
        {"tag": "night"},
    ]));
    assert!(policy.uses_time());
    let nine = 1_796_115_600;
    for (seconds, expected) in [
        (nine - 1, "night"),
        (nine, "day"),
        (nine + 9 * 3600 - 1, "day"),
        (nine + 9 * 3600, "night"),
    ] {
        assert_eq!(tag(&decide_at(&policy, &request([]), at(seconds), 0)), Some(expected));
    }
}

#[test]
fn counts_decisions_by_rule_and_variant() {
    let document = |labels: bool| {
        json!({"metrics": {"labels": labels}, "http": [
            {"name": "a.b-c", "match": [{"headers": {"x-a": {}}}], "tag": "v-1.0"},
            {"name": "t", "match": [{"headers": {"x-t": {}}}], "tag": "%REQ(x-t)%"},
            {"name": "s", "split": [{"tag": "x", "weight": 0}, {"tag": "y", "weight": 1}]},
        ]})
    };
    let (plain, labelled) = (policy(&document(false)), policy(&document(true)));
    for label in crate::STAT_TAGS {
        let segment = format!(".{label}=.=");
        assert!(labelled.counters().iter().any(|name| name.contains(&segment)));
        assert!(!plain.counters().iter().any(|name| name.contains(&segment)));
    }
    for (headers, names, labels) in [
        (
            [("x-a", "1")],
            ["rule_a_b_c_total", "rule_a_b_c_tag_v_1_0_total"],
            ["rule_total.rule=.=a.b-c;.;", "rule_tag_total.rule=.=a.b-c;.;.tag=.=v-1.0;.;"],
        ),
        (
            [("x-t", "1")],
            ["rule_t_total", "rule_t_tag_template_total"],
            ["rule_total.rule=.=t;.;", "rule_tag_total.rule=.=t;.;.tag=.=template;.;"],
        ),
        (
            [("x-n", "1")],
            ["rule_s_total", "rule_s_tag_y_total"],
            ["rule_total.rule=.=s;.;", "rule_tag_total.rule=.=s;.;.tag=.=y;.;"],
        ),
    ] {
        let request = request(headers);
        for (policy, names) in [(&plain, names), (&labelled, labels)] {
            let [first, second] = names.map(|name| format!("weir_routing_tags_{name}"));
            let tagged = "weir_routing_tags_tagged_total".to_owned();
            assert_eq!(counted(policy, &decide(policy, &request)), [tagged, first, second]);
        }
    }
}

#[test]
fn entries_after_the_256th_share_a_counter() {
    let many: Vec<_> = (0..300)
        .map(|index| json!({"match": [{"headers": {"x-a": {"exact": index.to_string()}}}], "tag": "v"}))
        .collect();
    let policy = entries(json!(many));
    for (value, name) in [("255", "rule_http_255_total"), ("256", "rule_other_total")] {
        let decision = decide(&policy, &request([("x-a", value)]));
        assert_eq!(counted(&policy, &decision)[1], format!("weir_routing_tags_{name}"));
    }
    assert_eq!(policy.counters().len(), 12 + 256 * 2 + 1);
}
