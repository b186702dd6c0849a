//! Edits and rate limits of response bodies.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::{Action, memory::Proxy};
use serde_json::{Value, json};

use super::{
    always,
    exchange::{EMPTY, HELLO, Response, exchange},
    metric, ms, slots, start,
};

const TRAILERS: Response = Response { trailers: &[("grpc-status", "0")], ..HELLO };
/// Trailers that follow the headers at once.
const ONLY_TRAILERS: Response = Response { chunks: &[], ..TRAILERS };

fn slow() -> Value {
    always(json!({"responseRateLimit": {"fixedLimit": {"limitKbps": 1}}}))
}

#[test]
fn changes_a_body_as_configured() {
    let original = "200 [content-length: 10, server: x] helloworld";
    for (change, response, expected) in [
        (json!({"body": {"string": "other"}}), HELLO, "200 [server: x] other"),
        (json!({"body": {"string": "other"}}), TRAILERS, "200 [server: x] other"),
        (json!({"body": {"string": "other"}}), ONLY_TRAILERS, "200 [server: x] "),
        (json!({"body": {"string": "other"}}), EMPTY, "204 [] "),
        (json!({"body": {"string": ""}}), HELLO, "200 [server: x] "),
        (json!({"truncateAfter": 0}), HELLO, "200 [server: x] "),
        (json!({"truncateAfter": 7}), HELLO, "200 [server: x] hellowo"),
        (json!({"truncateAfter": 10}), HELLO, "200 [server: x] helloworld"),
        (json!({"truncateAfter": 7}), EMPTY, "204 [] "),
        (json!({"resetAfter": 10}), HELLO, original),
        (json!({"resetAfter": 9}), HELLO, "reset"),
        (json!({"resetAfter": 0}), HELLO, "reset"),
        (json!({"resetAfter": 9}), EMPTY, "reset"),
        (json!({"resetAfter": 9}), ONLY_TRAILERS, "200 [content-length: 10, server: x] "),
        (json!({"httpStatus": 500}), HELLO, "500 [content-length: 10, server: x] helloworld"),
    ] {
        for delay in [None, Some("10ms")] {
            let mut fault = json!({"response": change});
            if let Some(length) = delay {
                fault["delay"] = json!({"fixedDelay": length, "phase": "RESPONSE"});
            }
            let proxy = Proxy::new();
            let mut worker = start(&proxy, always(fault));
            let fate = exchange(&proxy, &mut worker, &[], response);
            assert_eq!(fate.client(), expected, "{change} {delay:?}");
            assert_eq!(fate.time, ms(if delay.is_some() { 10 } else { 0 }), "{change}");
            assert_eq!((metric(&proxy, "responses_total"), slots(&proxy)), (1, 0));
            assert_eq!((metric(&proxy, "abandoned_total"), metric(&proxy, "errors_total")), (0, 0));
        }
    }
}

#[test]
fn holds_each_chunk_until_its_bytes_may_be_sent() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, slow());
    let stream = worker.request(&[]);
    worker.response_headers(stream, &[(":status", "200")], false);
    assert!(!worker.stream(stream).is_response_paused, "headers are not held");
    for is_last in [false, true] {
        assert_eq!(worker.response_body(stream, &[b'x'; 512], is_last), Action::Pause);
        assert_eq!(worker.tick_period(), Some(ms(500)));
        worker.advance(ms(499));
        assert!(worker.stream(stream).is_response_paused);
        worker.advance(ms(1));
        assert!(!worker.stream(stream).is_response_paused);
        assert_eq!(slots(&proxy), 1, "until the end of the stream");
    }
    assert_eq!(worker.end(stream).resumptions, [0, 2]);
    assert_eq!((slots(&proxy), metric(&proxy, "abandoned_total")), (0, 0));
    assert_eq!(proxy.recorded("weir_fault_injection_late_ms"), [0, 0]);
    assert_eq!(proxy.recorded("weir_fault_injection_delay_ms"), Vec::<u64>::new());
}

#[test]
fn a_chunk_during_a_hold_extends_it() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, slow());
    let stream = worker.request(&[]);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_body(stream, &[b'x'; 512], false);
    worker.advance(ms(300));
    assert_eq!(worker.response_body(stream, &[b'x'; 512], false), Action::Pause);
    worker.advance(ms(699));
    assert!(worker.stream(stream).is_response_paused);
    worker.advance(ms(1));
    assert_eq!(worker.end(stream).resumptions, [0, 1]);
}

#[test]
fn trailers_wait_for_the_body_before_them() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, slow());
    let stream = worker.request(&[]);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_body(stream, &[b'x'; 512], false);
    worker.response_trailers(stream, &[("grpc-status", "0")]);
    assert!(worker.stream(stream).is_response_paused);
    worker.advance(ms(500));
    assert!(!worker.stream(stream).is_response_paused);
    worker.end(stream);
    let stream = worker.request(&[]);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_trailers(stream, &[("grpc-status", "0")]);
    assert!(!worker.stream(stream).is_response_paused);
}

#[test]
fn the_end_of_a_body_between_the_deadline_and_its_tick_is_not_abandoned() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, slow());
    let stream = worker.request(&[]);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_body(stream, &[b'x'; 512], false);
    proxy.pass(ms(501));
    assert_eq!(worker.response_body(stream, b"", true), Action::Continue);
    assert_eq!(worker.tick_period(), None);
    worker.end(stream);
    assert_eq!((metric(&proxy, "abandoned_total"), slots(&proxy)), (0, 0));
}

#[test]
fn a_reset_during_a_hold_is_not_abandoned() {
    let proxy = Proxy::new();
    let document = always(json!({"response": {"resetAfter": 600},
        "responseRateLimit": {"fixedLimit": {"limitKbps": 1}}}));
    let mut worker = start(&proxy, document);
    let stream = worker.request(&[]);
    worker.response_headers(stream, &[(":status", "200")], false);
    assert_eq!(worker.response_body(stream, &[b'x'; 512], false), Action::Pause);
    worker.response_body(stream, &[b'x'; 512], false);
    assert!(worker.end(stream).reset.is_some());
    assert_eq!((worker.tick_period(), metric(&proxy, "abandoned_total")), (None, 0));
}

#[test]
fn a_client_that_leaves_during_a_body_is_abandoned_only_while_it_is_held() {
    for (passed, abandoned) in [(499, 1), (500, 0)] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, slow());
        let stream = worker.request(&[]);
        worker.response_headers(stream, &[(":status", "200")], false);
        worker.response_body(stream, &[b'x'; 512], false);
        worker.advance(ms(passed));
        worker.leave(stream);
        assert_eq!((metric(&proxy, "abandoned_total"), slots(&proxy)), (abandoned, 0));
        assert_eq!(worker.tick_period(), None);
    }
}
