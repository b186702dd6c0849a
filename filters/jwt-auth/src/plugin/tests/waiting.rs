//! Requests that wait.

use std::time::Duration;

use filter_host::memory::Proxy;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    GOOD, SECOND, TICK, expired_token, fate, fate_of, fetching, good_token, send, send_with, serve,
    serve_status, start, start_with_keys, unknown_token,
};
use crate::testing::{self, NOW, with};

const HELD: &str = "weir_jwt_auth_held_requests";

#[test]
fn resumes_a_request_when_its_keys_arrive() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    let [good, bad] = [good_token(), expired_token()].map(|token| send(&mut worker, &token));
    assert_eq!(fate(&worker.stream(good)), "waits");
    assert_eq!(proxy.metric(HELD), 1);
    worker.advance(TICK * 3);
    assert_eq!(fate(&worker.stream(good)), "waits");
    serve(&proxy, &mut worker);
    let stream = worker.stream(good);
    assert_eq!((fate(&stream).as_str(), stream.resumptions), (GOOD, [1, 0]));
    assert_eq!(fate(&worker.stream(bad)), "401 weir_jwt_auth_denied{expired,rule-0}");
    assert_eq!(proxy.metric(HELD), 0);
    assert_eq!(proxy.recorded("weir_jwt_auth_held_ms"), [60]);
}

#[test]
fn denies_a_request_after_the_longest_wait() {
    for (fields, wait) in [(json!({}), 5_000), (json!({"maxPause": "300ms"}), 300)] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &fetching(fields));
        let waiting = send(&mut worker, &good_token());
        worker.advance(Duration::from_millis(wait) - TICK);
        assert_eq!(fate(&worker.stream(waiting)), "waits", "{wait}");
        worker.advance(TICK * 2);
        let stream = worker.stream(waiting);
        assert_eq!(fate(&stream), "503 weir_jwt_auth_denied{keys_unavailable,rule-0}", "{wait}");
        assert_eq!(stream.response_header("retry-after").as_deref(), Some("1"));
        assert_eq!((stream.resumptions, proxy.metric(HELD)), ([0, 0], 0));
    }
}

#[test]
fn decides_by_the_time_after_the_wait() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    let claims = with(testing::claims(), "exp", json!(NOW - 59));
    let token = testing::token(crate::algorithm::Algorithm::EdDsa, &claims);
    let waiting = send(&mut worker, &token);
    worker.advance(SECOND * 2);
    serve(&proxy, &mut worker);
    assert_eq!(fate(&worker.stream(waiting)), "401 weir_jwt_auth_denied{expired,rule-0}");
}

#[test]
fn a_client_that_leaves_no_longer_waits() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    let [leaving, staying] = [0; 2].map(|_| send(&mut worker, &good_token()));
    worker.advance(TICK);
    assert_eq!(worker.leave(leaving).resumptions, [0, 0]);
    assert_eq!(proxy.metric(HELD), 1);
    proxy.clear_trace();
    serve(&proxy, &mut worker);
    let resumed = proxy.trace().into_iter().filter(|call| call.name == "resume");
    assert_eq!(resumed.count(), 1);
    assert_eq!(fate(&worker.stream(staying)), GOOD);
    assert_eq!(proxy.recorded("weir_jwt_auth_held_ms").len(), 1);
}

#[test]
fn at_most_1024_requests_wait() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    let token = good_token();
    let waiting: Vec<_> = (0..1024).map(|_| send(&mut worker, &token)).collect();
    assert_eq!(proxy.metric(HELD), 1024);
    let refused = "503 weir_jwt_auth_denied{keys_unavailable,rule-0}";
    assert_eq!(fate_of(&mut worker, &token), refused);
    worker.leave(waiting[7]);
    assert_eq!(fate_of(&mut worker, &token), "waits");
    assert_eq!(fate_of(&mut worker, &token), refused);
    worker.advance(TICK);
    serve(&proxy, &mut worker);
    assert_eq!((fate(&worker.stream(waiting[0])).as_str(), proxy.metric(HELD)), (GOOD, 0));
}

#[test]
fn a_worker_that_ends_takes_its_waiting_requests_off_the_gauge() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    send(&mut worker, &good_token());
    drop(worker);
    assert_eq!(proxy.metric(HELD), 0);
}

#[test]
fn a_preflight_does_not_wait() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    let bearer = format!("Bearer {}", good_token());
    let preflight = [
        (":method", "OPTIONS"),
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "GET"),
        ("authorization", &bearer),
    ];
    let preflight = send_with(&mut worker, &preflight);
    let fate = fate(&worker.stream(preflight));
    assert_eq!(fate, "forwarded, connection keep-alive, authorization kept");
}

#[test]
fn ticks_faster_while_a_request_waits() {
    let proxy = Proxy::new();
    let inline = json!({"jwtRules": [testing::rule(json!({}))]});
    assert_eq!(start(&proxy, &inline).tick_period(), None);
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    assert_eq!(worker.tick_period(), Some(Duration::from_millis(100)));
    let waiting = send(&mut worker, &good_token());
    assert_eq!(worker.tick_period(), Some(TICK));
    worker.leave(waiting);
    worker.advance(TICK);
    assert_eq!(worker.tick_period(), Some(SECOND));
}

#[test]
fn refuses_a_token_of_an_unknown_key_when_the_fetch_is_answered() {
    for status in ["304", "500"] {
        let proxy = Proxy::new();
        let mut worker = start_with_keys(&proxy, &fetching(json!({})));
        let unknown = send(&mut worker, &unknown_token("new"));
        assert_eq!(fate(&worker.stream(unknown)), "waits");
        worker.advance(TICK);
        serve_status(&mut worker, status);
        let refused = "401 weir_jwt_auth_denied{key_not_found,rule-0}";
        assert_eq!(fate(&worker.stream(unknown)), refused, "{status}");
        // The next fetch for an unknown key is allowed after an interval.
        assert_eq!(fate_of(&mut worker, &unknown_token("newer")), refused);
        assert_eq!(fate_of(&mut worker, &good_token()), GOOD);
        proxy.pass(SECOND * 10);
        assert_eq!(fate_of(&mut worker, &unknown_token("newest")), "waits");
    }
}

#[test]
fn cold_start_refuses_or_admits_at_once() {
    for (cold_start, expected) in [
        ("DENY", "503 weir_jwt_auth_denied{keys_unavailable,rule-0}"),
        ("ALLOW", "forwarded, connection keep-alive, authorization kept"),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &fetching(json!({"coldStart": cold_start})));
        assert_eq!(fate_of(&mut worker, &good_token()), expected);
        worker.advance(Duration::from_millis(100));
        serve(&proxy, &mut worker);
        assert_eq!(fate_of(&mut worker, &good_token()), GOOD);
    }
}
