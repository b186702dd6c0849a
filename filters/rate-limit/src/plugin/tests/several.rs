//! Requests that meet several limits.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{admits, admitted, ms, start};

/// Returns a document with a limit of 3 and one of 5 by user.
fn pod_and_user(window: &str) -> Value {
    json!({"limits": [
        {"name": "user", "requests": 3, "per": "10s", "key": [{"httpHeaderName": "x-user"}], "window": window},
        {"name": "pod", "requests": 5, "per": "10s", "window": window}]})
}

#[test]
fn a_refused_request_takes_nothing_from_other_limits() {
    for window in ["TOKEN_BUCKET", "SLIDING", "FIXED"] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, pod_and_user(window));
        assert_eq!(admitted(&mut worker, &[("x-user", "a")], 50), 3, "{window}");
        assert_eq!(
            admitted(&mut worker, &[("x-user", "b")], 50),
            2,
            "{window}: the pod has 2 left"
        );
        let refused = worker.request(&[("x-user", "a")]);
        let state = worker.end(refused).response_header("ratelimit").unwrap();
        assert!(state.starts_with(r#""user";r=0"#) && state.contains(r#""pod";r=0"#), "{state}");
    }
}

#[test]
fn a_request_held_by_one_limit_takes_nothing_if_another_refuses() {
    let proxy = Proxy::new();
    let document = json!({"limits": [
        {"name": "slow", "requests": 1, "per": "1s", "wait": "10s"},
        {"name": "pod", "requests": 2, "per": "1h"}]});
    let mut worker = start(&proxy, document);
    let streams = [(), (), (), ()].map(|()| worker.request(&[]));
    let is_held = streams.map(|stream| {
        let state = worker.stream(stream);
        state.is_request_paused && state.reply.is_none()
    });
    assert_eq!(is_held, [false, true, false, false]);
    worker.advance(ms(1_000));
    assert!(worker.stream(streams[1]).is_forwarded());
}

#[test]
fn a_limit_can_be_drawn_from_twice() {
    let proxy = Proxy::new();
    let document = json!({"limits": [{"name": "pod", "requests": 5, "per": "1h"}],
        "http": [{"limits": [{"ref": "pod", "cost": 1}]}]});
    let mut worker = start(&proxy, document);
    assert_eq!(admitted(&mut worker, &[], 9), 2, "each takes 2, and the third would take 6");
}

#[test]
fn low_priority_stops_first() {
    let proxy = Proxy::new();
    let document = json!({"http": [
        {"match": [{"headers": {"x-batch": {}}}], "limits": [
            {"ref": "pod", "reserve": {"value": 30}}]},
        {"limits": [{"name": "pod", "requests": 10, "per": "1h"}]}]});
    let mut worker = start(&proxy, document);
    assert_eq!(admitted(&mut worker, &[("x-batch", "1")], 20), 7);
    assert_eq!(admitted(&mut worker, &[], 20), 3);
    assert!(!admits(&mut worker, &[("x-batch", "1")]));
}

#[test]
fn a_slot_is_free_again_if_another_limit_refuses() {
    let proxy = Proxy::new();
    for key in [json!([]), json!([{"method": true}])] {
        let document = json!({"limits": [
            {"name": "slots", "concurrent": 2, "key": key},
            {"name": "pod", "requests": 1, "per": "1h"}]});
        let proxy = &proxy;
        let mut worker = start(proxy, document);
        let held = worker.request(&[(":method", "GET")]);
        for _ in 0..5 {
            let refused = worker.request(&[(":method", "GET")]);
            let details = worker.end(refused).reply.unwrap().details;
            assert_eq!(details, "weir_rate_limit_denied{pod}");
        }
        worker.end(held);
    }
}

#[test]
fn a_refusal_lists_only_the_limits_that_it_exceeds() {
    let document = json!({"limits": [
        {"name": "slots", "concurrent": 3},
        {"name": "bucket", "requests": 1, "per": "60s"},
    ]});
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    assert!(admits(&mut worker, &[]));
    let refused = worker.request(&[]);
    let state = worker.end(refused).response_header("ratelimit").unwrap();
    assert_eq!(state, r#""bucket";r=0;t=60"#);
}
