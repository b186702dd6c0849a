//! Requests that are held until their turn.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::{HostError, memory::Proxy};
use serde_json::{Value, json};

use super::{Limiter, admits, flush, limited, metric, ms, start, with};

/// Returns a document that admits a request each 100 ms, and holds others up to 250 ms.
fn shaped() -> Value {
    let bucket = json!({"maxTokens": 1, "fillInterval": "100ms"});
    json!({"limits": [{"name": "a", "tokenBucket": bucket, "wait": "250ms"}]})
}

fn is_held(worker: &Limiter, stream: u32) -> bool {
    let state = worker.stream(stream);
    state.is_request_paused && state.reply.is_none()
}

#[test]
fn resumes_requests_in_order_at_their_turn() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, shaped());
    let streams = [(); 5].map(|()| worker.request(&[]));
    let state = streams.map(|stream| is_held(&worker, stream));
    assert_eq!(state, [false, true, true, false, false], "the others would wait longer");
    assert!(worker.stream(streams[3]).reply.is_some());
    for (passed, held) in
        [(99, [true, true]), (1, [false, true]), (99, [false, true]), (1, [false; 2])]
    {
        worker.advance(ms(passed));
        assert_eq!([1, 2].map(|index| is_held(&worker, streams[index])), held, "{passed} ms more");
    }
    for stream in streams {
        worker.end(stream);
    }
    flush(&proxy, &mut worker);
    assert_eq!(proxy.recorded("weir_rate_limit_wait_ms"), [100, 200]);
    assert_eq!((metric(&proxy, "waited_total"), metric(&proxy, "waiting")), (2, 0));
    assert_eq!(metric(&proxy, "denied_total"), 2);
    worker.advance(ms(10_000));
    assert_eq!(worker.tick_period(), None);
}

#[test]
fn held_requests_keep_the_rate() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, shaped());
    let mut passed = 0;
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(worker.request(&[]));
        worker.advance(ms(10));
        streams.retain(|stream| {
            let is_pending = is_held(&worker, *stream);
            if !is_pending {
                passed += usize::from(worker.end(*stream).is_forwarded());
            }
            is_pending
        });
    }
    assert!((20..=21).contains(&passed), "{passed} in 2 s");
}

#[test]
fn a_stream_that_leaves_frees_its_place_at_once() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, shaped());
    let streams = [(); 3].map(|()| worker.request(&[]));
    worker.leave(streams[1]);
    worker.advance(ms(2_000));
    assert_eq!(metric(&proxy, "waiting"), 0, "the other one was resumed");
    let proxy = Proxy::new();
    let mut worker = start(&proxy, shaped());
    let streams = streams.map(|_| worker.request(&[]));
    worker.leave(streams[1]);
    worker.leave(streams[2]);
    assert_eq!(worker.plugin().queue.len(), 0);
    worker.advance(ms(90));
    assert!(!admits(&mut worker, &[]), "their units stay spent");
}

#[test]
fn a_reply_of_the_proxy_ends_a_hold() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, shaped());
    let streams = [(); 2].map(|()| worker.request(&[]));
    worker.response_headers(streams[1], &[(":status", "504")], true);
    assert_eq!(worker.plugin().queue.len(), 0);
    worker.advance(ms(1_000));
    assert_eq!(worker.end(streams[1]).resumptions, [0, 0]);
}

#[test]
fn no_more_requests_are_held_than_configured() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, with(shaped(), "maxWaiting", json!(1)));
    let streams = [(); 3].map(|()| worker.request(&[]));
    assert_eq!(streams.map(|stream| is_held(&worker, stream)), [false, true, false]);
    assert!(worker.stream(streams[2]).reply.is_some());
    worker.advance(ms(100));
    let next = worker.request(&[]);
    assert!(is_held(&worker, next), "there is room again");
}

#[test]
fn nobody_waits_without_a_tick() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, shaped());
    let first = worker.request(&[]);
    worker.end(first);
    proxy.clear_trace();
    let probe = worker.request(&[]);
    let tick = proxy.trace().iter().position(|call| call.name == "set_tick_period").unwrap();
    worker.end(probe);
    let proxy = Proxy::new();
    let mut worker = start(&proxy, shaped());
    let first = worker.request(&[]);
    worker.end(first);
    proxy.clear_trace();
    proxy.fail(tick, HostError::InternalFailure);
    let stream = worker.request(&[]);
    assert!(worker.stream(stream).is_forwarded(), "it passes at once");
    worker.end(stream);
    flush(&proxy, &mut worker);
    assert_eq!((metric(&proxy, "errors_total"), metric(&proxy, "waiting")), (1, 0));
}

#[test]
fn a_refused_resumption_is_tried_again() {
    let index = {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, shaped());
        let _ = [(); 2].map(|()| worker.request(&[]));
        worker.advance(ms(100));
        proxy.trace().iter().position(|call| call.name == "resume").unwrap()
    };
    let proxy = Proxy::new();
    proxy.fail(index, HostError::InternalFailure);
    let mut worker = start(&proxy, shaped());
    let streams = [(); 2].map(|()| worker.request(&[]));
    worker.advance(ms(100));
    assert!(is_held(&worker, streams[1]));
    worker.advance(ms(100));
    assert!(worker.end(streams[1]).is_forwarded());
    worker.advance(ms(2_000));
    assert_eq!((metric(&proxy, "errors_total"), metric(&proxy, "waiting")), (1, 0));
    assert_eq!(worker.tick_period(), None);
}

#[test]
fn a_held_request_keeps_its_slot() {
    let proxy = Proxy::new();
    let mut document = shaped();
    document["limits"].as_array_mut().unwrap().push(json!({"name": "slots", "concurrent": 2}));
    let mut worker = start(&proxy, document);
    let streams = [(); 2].map(|()| worker.request(&[]));
    assert!(is_held(&worker, streams[1]));
    let gauge = || proxy.metric("weir_rate_limit_active_test_slots");
    assert_eq!(gauge(), 2);
    worker.leave(streams[1]);
    assert_eq!(gauge(), 1);
    worker.end(streams[0]);
    assert_eq!(gauge(), 0);
}

#[test]
fn a_limit_that_is_not_enforced_holds_nobody() {
    let proxy = Proxy::new();
    let mut document = shaped();
    document["limits"][0]["enforced"] = json!({"value": 0});
    let mut worker = start(&proxy, document);
    for _ in 0..10 {
        assert!(admits(&mut worker, &[]));
    }
    assert_eq!(worker.plugin().queue.len(), 0);
    let limited = start(&proxy, limited(json!({})));
    drop(limited);
}
