//! Delays: the queue, its ticks, and streams that end or cannot be resumed.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_host::{
    HostError,
    memory::{Proxy, StreamState},
};
use serde_json::{Value, json};

use super::{Injector, always, metric, ms, slots, start};

fn delayed(length: &str) -> Value {
    always(json!({"delay": {"fixedDelay": length}}))
}

/// Returns a document with delays of 10, 20 and 30 ms by the header `x-ms`.
fn three_lengths() -> Value {
    let entry = |millis: &str| {
        let length = format!("{millis}ms");
        json!({"name": length, "match": [{"headers": {"x-ms": {"exact": millis}}}],
            "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": length}}})
    };
    let entries = ["10", "20", "30"].map(entry);
    json!({"http": entries})
}

#[test]
fn resumes_each_stream_at_its_deadline() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, three_lengths());
    let mut held = ["30", "10", "20"].map(|length| worker.request(&[("x-ms", length)]));
    held.sort_by_key(|stream| worker.stream(*stream).request_header("x-ms"));
    assert_eq!((slots(&proxy), metric(&proxy, "active")), (3, 3));
    for (passed, resumed) in [(9, 0), (1, 1), (9, 1), (1, 2), (10, 3)] {
        worker.advance(ms(passed));
        let is_resumed = held.map(|stream| !worker.stream(stream).is_request_paused);
        let expected = [0, 1, 2].map(|index| index < resumed);
        assert_eq!(is_resumed, expected, "after {passed} ms more");
    }
    assert_eq!(worker.tick_period(), None, "nothing is held");
    assert_eq!((slots(&proxy), metric(&proxy, "active")), (0, 0));
    for stream in held {
        assert_eq!(worker.end(stream).resumptions, [1, 0]);
    }
    assert_eq!((metric(&proxy, "delays_total"), metric(&proxy, "abandoned_total")), (3, 0));
}

#[test]
fn ticks_for_the_nearest_deadline_only() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, three_lengths());
    assert_eq!(worker.tick_period(), None);
    let mut periods = ["20", "30", "10"].map(|length| {
        worker.request(&[("x-ms", length)]);
        worker.tick_period()
    });
    assert_eq!(periods, [Some(ms(20)), Some(ms(20)), Some(ms(10))]);
    periods = [10, 10, 10].map(|passed| {
        worker.advance(ms(passed));
        worker.tick_period()
    });
    assert_eq!(periods, [Some(ms(10)), Some(ms(10)), None]);
}

#[test]
fn records_lengths_and_lateness() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, delayed("100ms"));
    let stream = worker.request(&[]);
    worker.advance(ms(99));
    proxy.pass(ms(8));
    worker.tick();
    assert!(worker.end(stream).is_forwarded());
    let recorded = |name: &str| proxy.recorded(&format!("weir_fault_injection_{name}"));
    assert_eq!((recorded("delay_ms"), recorded("late_ms")), (vec![100], vec![7]));
}

#[test]
fn a_superfluous_tick_resumes_nothing() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, delayed("100ms"));
    let stream = worker.request(&[]);
    worker.advance(ms(40));
    worker.tick();
    assert!(worker.stream(stream).is_request_paused);
    assert_eq!(worker.tick_period(), Some(ms(60)), "the rest of the delay");
    worker.advance(ms(60));
    assert!(worker.end(stream).is_forwarded());
    worker.tick();
    assert_eq!(worker.tick_period(), None);
}

#[test]
fn holds_the_response_in_the_response_phase() {
    let proxy = Proxy::new();
    let document = always(json!({"delay": {"fixedDelay": "1s", "phase": "RESPONSE"}}));
    let mut worker = start(&proxy, document);
    let stream = worker.request(&[]);
    assert!(!worker.stream(stream).is_request_paused);
    assert_eq!((slots(&proxy), worker.tick_period()), (1, None), "takes its slot early");
    worker.respond(stream, 200);
    assert!(worker.stream(stream).is_response_paused);
    worker.advance(ms(1_000));
    assert_eq!(slots(&proxy), 0);
    assert_eq!(worker.end(stream).resumptions, [0, 1]);
}

type Ending = fn(&mut Injector, u32) -> StreamState;

#[test]
fn a_stream_that_ends_while_held_is_abandoned() {
    let client_leaves: Ending = |worker, stream| worker.leave(stream);
    let proxy_replies: Ending = |worker, stream| {
        worker.response_headers(stream, &[(":status", "504")], false);
        assert!(!worker.stream(stream).is_response_paused, "the reply is not held");
        worker.response_body(stream, b"timeout", true);
        worker.end(stream)
    };
    for (name, ends) in [("client", client_leaves), ("proxy", proxy_replies)] {
        let proxy = Proxy::new();
        let fault = json!({"delay": {"fixedDelay": "1s"},
            "response": {"httpStatus": 418, "body": {"string": "other"}}});
        let mut worker = start(&proxy, always(fault));
        let streams = [(), ()].map(|()| worker.request(&[]));
        let state = ends(&mut worker, streams[0]);
        assert_eq!(state.resumptions, [0, 0], "{name}");
        assert_ne!(state.response_header(":status").as_deref(), Some("418"), "{name}");
        assert_eq!((slots(&proxy), metric(&proxy, "active")), (1, 1), "{name}");
        assert!(worker.tick_period().is_some(), "{name}: the other stream is still held");
        ends(&mut worker, streams[1]);
        assert_eq!(worker.tick_period(), None, "{name}");
        assert_eq!((slots(&proxy), metric(&proxy, "abandoned_total")), (0, 2), "{name}");
        worker.advance(ms(5_000));
        assert_eq!(metric(&proxy, "errors_total"), 0, "{name}");
    }
}

/// Holds a stream whose first `refusals` resumptions are refused. Returns the periods of the ticks.
fn refused(proxy: &Proxy, document: &Value, refusals: &[usize]) -> (StreamState, Vec<Duration>) {
    for index in refusals {
        proxy.fail(*index, HostError::InternalFailure);
    }
    let mut worker = start(proxy, document);
    let stream = worker.request(&[]);
    worker.respond(stream, 200);
    let mut periods = Vec::new();
    while let Some(period) = worker.tick_period() {
        periods.push(period);
        worker.advance(period);
    }
    (worker.end(stream), periods)
}

#[test]
fn a_refused_resumption_is_retried_after_a_growing_time() {
    let document = always(json!({"delay": {"fixedDelay": "100ms", "phase": "RESPONSE"},
        "responseRateLimit": {"fixedLimit": {"limitKbps": 1}}}));
    let mut refusals = Vec::new();
    for count in 0..=9 {
        let proxy = Proxy::new();
        let (stream, periods) = refused(&proxy, &document, &refusals);
        let backoff = [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000].map(ms);
        assert_eq!(periods, [&[ms(100)], &backoff[..count]].concat());
        assert_eq!((stream.is_response_paused, stream.resumptions), (false, [0, 1]));
        assert_eq!(metric(&proxy, "errors_total"), count as u64);
        assert_eq!(proxy.recorded("weir_fault_injection_late_ms"), [0], "backoffs do not count");
        assert_eq!((slots(&proxy), metric(&proxy, "active")), (0, 0));
        assert_eq!(metric(&proxy, "abandoned_total"), 0);
        let trace = proxy.trace();
        refusals.push(trace.iter().rposition(|call| call.name == "resume").unwrap());
    }
}

#[test]
fn a_client_that_leaves_during_the_backoff_is_abandoned() {
    let document = delayed("100ms");
    let index = {
        let proxy = Proxy::new();
        let _ = refused(&proxy, &document, &[]);
        // The response ends the hold, so the request is resumed in another run.
        let mut worker = start(&proxy, &document);
        worker.request(&[]);
        proxy.clear_trace();
        worker.advance(ms(100));
        proxy.trace().iter().position(|call| call.name == "resume").unwrap()
    };
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document);
    let stream = worker.request(&[]);
    proxy.fail(proxy.trace().len().saturating_add(index), HostError::InternalFailure);
    worker.advance(ms(100));
    assert!(worker.stream(stream).is_request_paused);
    assert_eq!(slots(&proxy), 0, "the backoff takes no slot");
    worker.leave(stream);
    assert_eq!((worker.tick_period(), metric(&proxy, "abandoned_total")), (None, 1));
}
