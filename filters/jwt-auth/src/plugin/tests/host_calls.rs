//! The host calls of typical events.

use filter_host::memory::Proxy;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{SECOND, TICK, Worker, expired_token, fetching, good_token, serve, start};
use crate::testing;

/// Returns the host calls of an event.
fn calls(proxy: &Proxy, event: impl FnOnce()) -> Vec<String> {
    proxy.clear_trace();
    event();
    let text = |call: filter_host::memory::HostCall| format!("{} {}", call.name, call.argument);
    proxy.trace().into_iter().map(text).map(|call| call.trim().to_owned()).collect()
}

/// A request without forged headers.
fn request(worker: &mut Worker, token: &str) {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![(":method", "GET"), (":path", "/"), (":authority", "app.example.com")];
    headers.extend((!token.is_empty()).then_some(("authorization", &*bearer)));
    worker.request(&headers);
}

#[test]
fn makes_only_these_host_calls() {
    let proxy = Proxy::new();
    let outputs = json!([{"header": "x-user", "claim": "sub"}]);
    let rule = testing::rule(json!({"outputClaimToHeaders": outputs}));
    let mut worker = start(&proxy, &json!({"jwtRules": [rule]}));
    request(&mut worker, &good_token());
    let without_token = ["headers RequestHeaders"];
    let admitted = [
        "headers RequestHeaders",
        "clock",
        "remove_header authorization",
        "set_header x-user",
        "set_property weir.jwt",
    ];
    let denied = [
        "headers RequestHeaders",
        "clock",
        "headers RequestHeaders",
        "send_local_response weir_jwt_auth_denied{expired}",
    ];
    for (token, expected) in
        [(good_token(), &admitted[..]), (String::new(), &without_token), (expired_token(), &denied)]
    {
        assert_eq!(calls(&proxy, || request(&mut worker, &token)), expected);
    }
    // The first request after a second without requests starts the timer of the counters.
    worker.advance(SECOND * 3);
    let first = calls(&proxy, || request(&mut worker, &good_token()));
    assert_eq!(first, [&admitted[..], &["set_tick_period"]].concat());
    let counters = calls(&proxy, || worker.advance(SECOND));
    let expected = ["token_cache_hits_total", "allowed_total"];
    assert_eq!(counters, expected.map(|name| format!("increment_metric weir_jwt_auth_{name}")));
}

const CONTROL: &str = "weir.jwt-auth.1.control.keys https://idp.example.com/keys  keys";
const DOCUMENT: &str = "weir.jwt-auth.1.document.keys https://idp.example.com/keys  keys";

#[test]
fn a_fetch_makes_only_these_host_calls() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    let shared = |name: &str, key: &str| format!("{name} {key}");
    let text = ToOwned::to_owned;
    let waits = calls(&proxy, || request(&mut worker, &good_token()));
    let expected = [
        text("headers RequestHeaders"),
        text("clock"),
        shared("shared_data", CONTROL),
        text("set_tick_period"),
        text("increment_metric weir_jwt_auth_held_requests"),
    ];
    assert_eq!(waits, expected);
    // The gauges of key sets are set once a second.
    let ticks = calls(&proxy, || worker.advance(TICK * 3));
    let tick = [text("clock"), shared("shared_data", CONTROL)];
    let fetch = [shared("replace_shared_data", CONTROL), text("http_call keys")];
    let gauges = ["jwks_age_seconds", "jwks_stale"];
    let gauges = gauges.map(|name| format!("record_metric weir_jwt_auth_{name}"));
    assert_eq!(ticks, [&tick[..], &fetch, &gauges, &tick, &tick].concat());
    let answer = calls(&proxy, || serve(&proxy, &mut worker));
    let expected = [
        text("clock"),
        text("headers CallResponseHeaders"),
        text("buffer CallResponseBody"),
        text("record_metric weir_jwt_auth_jwks_fetch_ms"),
        shared("shared_data", CONTROL),
        shared("set_shared_data", DOCUMENT),
        shared("shared_data", CONTROL),
        shared("replace_shared_data", CONTROL),
        text("set_effective_context"),
        text("increment_metric weir_jwt_auth_held_requests"),
        text("record_metric weir_jwt_auth_held_ms"),
        text("remove_header authorization"),
        text("set_header x-user"),
        text("set_property weir.jwt"),
        text("resume Request"),
        text("set_effective_context"),
        text("set_tick_period"),
    ];
    assert_eq!(answer, expected);
}
