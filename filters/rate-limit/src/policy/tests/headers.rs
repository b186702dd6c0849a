//! `RateLimit-Policy`, `RateLimit` and the `x-ratelimit` headers.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    structured_fields::{Item, list},
    *,
};

/// Returns a usage whose units come back after a number of milliseconds.
pub(super) fn usage(draw: PlannedDraw, remaining: u64, reset_ms: u64) -> Usage {
    Usage { draw, remaining, reset: Duration::from_millis(reset_ms), is_over: false }
}

/// Returns the headers of an admitted request, by name.
fn admitted(document: &Value, usages: impl Fn(&Plan) -> Vec<Usage>) -> Vec<(String, String)> {
    let policy = policy(document);
    let usages = usages(&plan(&policy, &request(&[])));
    let headers = policy.admitted_headers(&usages).into_iter();
    headers
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8(value).unwrap()))
        .collect()
}

fn document(fields: Value) -> Value {
    let mut document = json!({"rateLimitHeaders": "ALL", "limits": [
        {"name": "user", "requests": 600, "per": "60s", "burst": 60},
        {"name": "pod", "requests": 2_000, "per": "1s", "window": "SLIDING"}]});
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    document
}

fn two(plan: &Plan) -> Vec<Usage> {
    vec![usage(plan.draws[0], 12, 2_001), usage(plan.draws[1], 1_999, 1_000)]
}

#[test]
fn describe_the_limits_as_structured_fields() {
    let headers = admitted(&document(json!({})), two);
    let expected = [
        ("ratelimit-policy", r#""user";q=600;w=60, "pod";q=2000;w=1"#),
        ("ratelimit", r#""user";r=12;t=3, "pod";r=1999;t=1"#),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(headers, expected);
    for (name, value) in headers {
        let members = list(&value).unwrap_or_else(|| panic!("{name}: {value}"));
        let names: Vec<_> = members.iter().map(|(item, _)| item.clone()).collect();
        assert_eq!(names, ["user", "pod"].map(|name| Item::String(name.to_owned())));
        let keys: &[&str] = if name == "ratelimit" { &["r", "t"] } else { &["q", "w"] };
        for (_, parameters) in members {
            assert!(parameters.iter().map(|(key, _)| key.as_str()).eq(keys.iter().copied()));
        }
    }
}

#[test]
fn x_ratelimit_headers_describe_the_tightest_limit() {
    let headers = admitted(&document(json!({"xRatelimitHeaders": true})), two);
    let expected =
        [("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", "0")];
    let trio: Vec<_> =
        headers[2..].iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(trio, expected);
}

#[test]
fn admitted_requests_get_headers_only_if_configured() {
    for mode in ["NONE", "DENIED"] {
        let fields = json!({"rateLimitHeaders": mode, "xRatelimitHeaders": true});
        assert!(admitted(&document(fields), two).is_empty(), "{mode}");
    }
    assert!(admitted(&document(json!({})), |_| Vec::new()).is_empty());
}

#[test]
fn concurrent_requests_have_their_own_quota_unit() {
    let limits = json!([{"name": "slots", "concurrent": 50}]);
    let headers = admitted(&document(json!({"limits": limits})), |plan| {
        vec![Usage { reset: Duration::MAX, ..usage(plan.draws[0], 7, 0) }]
    });
    assert_eq!(headers[0].1, r#""slots";q=50;qu="concurrent-requests""#);
    assert_eq!(headers[1].1, r#""slots";r=7"#);
    assert!(headers.iter().all(|(_, value)| list(value).is_some()));
}

#[test]
fn windows_below_a_second_are_scaled() {
    for (fill, per_fill, expected) in [
        ("50ms", 5, r#""a";q=100;w=1"#),
        ("300ms", 10, r#""a";q=33;w=1"#),
        ("1500ms", 3, r#""a";q=4;w=2"#),
        ("720h", 1, r#""a";q=1;w=2592000"#),
    ] {
        let bucket = json!({"maxTokens": 1, "tokensPerFill": per_fill, "fillInterval": fill});
        let limits = json!([{"name": "a", "tokenBucket": bucket}]);
        let headers =
            admitted(&document(json!({"limits": limits})), |plan| vec![usage(plan.draws[0], 0, 1)]);
        assert_eq!(headers[0].1, expected, "{fill}");
    }
}

#[test]
fn the_quota_is_that_of_the_request() {
    let limits = json!([{"name": "a", "requests": 5, "per": "60s", "replicas": 2,
        "requestsFrom": {"claim": "rate"}}]);
    let policy = policy(&document(json!({"limits": limits})));
    let request = Request { claims: Some(json!({"rate": 900})), ..Request::default() };
    let headers = policy.admitted_headers(&[usage(plan(&policy, &request).draws[0], 1, 1)]);
    assert_eq!(headers[0].1, br#""a";q=450;w=60"#);
}

#[test]
fn the_end_of_a_concurrent_request_is_unknown() {
    let document = json!({
        "rateLimitHeaders": "ALL", "xRatelimitHeaders": true,
        "limits": [{"name": "slots", "concurrent": 1}],
    });
    let headers = admitted(&document, |plan| {
        vec![Usage { reset: Duration::MAX, ..usage(plan.draws[0], 0, 0) }]
    });
    let reset = headers.iter().find(|(name, _)| name == "x-ratelimit-reset");
    assert_eq!(reset.map(|(_, value)| value.as_str()), Some("1"));
}
