//! The host calls of typical requests.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::{HostCall, Proxy};
use serde_json::{Value, json};

use super::{
    exchange::{OK, exchange},
    limited, start, with,
};

/// Returns the host calls of a stream, after this many others.
fn host_calls(document: &Value, others: usize) -> Vec<String> {
    let proxy = Proxy::new();
    proxy.set_property("source.address", b"10.0.0.1:80");
    let mut worker = start(&proxy, document);
    for _ in 0..=others {
        proxy.clear_trace();
        exchange(&proxy, &mut worker, &[("x-user", "a"), (":method", "GET")], OK);
    }
    let line = |HostCall { callback, name, argument }: HostCall| {
        let argument = match argument.strip_prefix("weir.rate-limit.test.") {
            Some(key) => key.split('.').next().unwrap_or_default(),
            None => argument.trim_start_matches("weir_rate_limit_"),
        };
        format!("{callback}: {name} {argument}").trim_end().to_owned()
    };
    proxy.trace().into_iter().map(line).collect()
}

const READ: &str = "request_headers: shared_data a";
const WRITE: &str = "request_headers: replace_shared_data a";
const HEADERS: &str = "request_headers: headers RequestHeaders";

#[test]
fn an_admitted_request_makes_only_these_host_calls() {
    let keyed = |key: Value| limited(json!({"key": [key]}));
    let address = "request_headers: property source.address";
    let clock = "request_headers: clock";
    let exempt = json!([{"match": [{"headers": {"x-user": {}}}]}]);
    for (document, expected) in [
        (json!({}), &[][..]),
        (json!({"http": [{"match": [{"headers": {"x-user": {}}}]}]}), &[]),
        (limited(json!({})), &[READ, WRITE]),
        (limited(json!({"window": "SLIDING"})), &[READ, WRITE]),
        (limited(json!({"window": "FIXED"})), &[clock, READ, WRITE]),
        (keyed(json!({"httpHeaderName": "x-user"})), &[HEADERS, READ, WRITE]),
        (keyed(json!({"useSourceIp": true})), &[address, READ, WRITE]),
        (with(limited(json!({})), "http", exempt), &[HEADERS]),
        (limited(json!({"wait": "1s"})), &[READ, WRITE]),
        (
            limited(json!({"charge": {"status": ["401"]}})),
            &[READ, "response_headers: header :status"],
        ),
        (
            with(limited(json!({})), "rateLimitHeaders", json!("ALL")),
            &[
                READ,
                WRITE,
                "response_headers: set_header ratelimit-policy",
                "response_headers: set_header ratelimit",
            ],
        ),
    ] {
        assert_eq!(host_calls(&document, 1), expected, "{document}");
    }
}

#[test]
fn a_request_that_counts_at_once_makes_only_these_host_calls() {
    let gauge = "active_test_a";
    let expected = [
        format!("request_headers: increment_metric {gauge}"),
        format!("request_headers: metric {gauge}"),
        format!("delete: increment_metric {gauge}"),
    ];
    let document = |key: Value| json!({"limits": [{"name": "a", "concurrent": 5, "key": key}]});
    assert_eq!(host_calls(&document(json!([])), 1), expected);
    let expected = [HEADERS, READ, WRITE, "delete: shared_data a", "delete: replace_shared_data a"];
    assert_eq!(host_calls(&document(json!([{"httpHeaderName": "x-user"}])), 1), expected);
}

#[test]
fn a_refused_request_makes_only_these_host_calls() {
    let reply = [
        "request_headers: header :method",
        "request_headers: header accept",
        "request_headers: header content-type",
        "request_headers: set_property weir.limit",
        "request_headers: send_local_response denied{a}",
    ];
    let document = limited(json!({}));
    assert_eq!(host_calls(&document, 3), [&[READ][..], &reply].concat());
    assert_eq!(host_calls(&document, 4), reply, "the refusal is remembered");
    let document = limited(json!({"key": [{"httpHeaderName": "x-user"}]}));
    assert_eq!(host_calls(&document, 4), [&[HEADERS][..], &reply].concat());
}

#[test]
fn a_held_request_makes_only_these_host_calls() {
    let bucket = json!({"maxTokens": 1, "fillInterval": "100ms"});
    let document = json!({"limits": [{"name": "a", "tokenBucket": bucket, "wait": "1s"}]});
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    for _ in 0..2 {
        worker.request(&[]);
    }
    proxy.clear_trace();
    worker.request(&[]);
    worker.advance(super::ms(200));
    let trace = proxy.trace();
    let calls: Vec<_> = trace.iter().map(|call| (call.callback, call.name)).collect();
    let expected = [
        ("request_headers", "shared_data"),
        ("request_headers", "replace_shared_data"),
        ("tick", "set_effective_context"),
        ("tick", "resume"),
        ("tick", "set_effective_context"),
        ("tick", "set_effective_context"),
        ("tick", "resume"),
        ("tick", "set_effective_context"),
        ("tick", "set_tick_period"),
    ];
    assert_eq!(calls, expected);
}
