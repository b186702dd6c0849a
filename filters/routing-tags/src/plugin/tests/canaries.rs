//! Canaries whose guard several workers share.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_host::{HostError, memory::Proxy};

use super::{Tagger, start};

/// A canary of all requests, whose guard trips at more than 10 % of at least ten responses.
pub(super) const CANARY: &str = r#"{"http": [{"name": "api", "canary": {
    "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2025-01-01T00:00:00Z",
    "initialWeight": 100, "increment": 1, "interval": "1h",
    "successCriteria": {"maxErrorRate": {"value": 10}, "minRequestCount": 10, "window": "1h"}}}]}"#;

const SECOND: Duration = Duration::from_secs(1);
const ROLLED_BACK: &str = "weir_routing_tags_canary_api_rolled_back";
const WEIGHT: &str = "weir_routing_tags_canary_api_weight";
const REQUESTS: &str = "weir_routing_tags_canary_api_requests_total";
const ERRORS: &str = "weir_routing_tags_canary_api_errors_total";

/// Sends a request to which the upstream responds with `status`. Returns `true` for the canary.
fn send(worker: &mut Tagger, status: u16) -> bool {
    let stream = worker.request(&[]);
    worker.respond(stream, status);
    worker.end(stream).request_header("x-weir-tag").as_deref() == Some("canary")
}

/// Rolls the canary back.
fn fail(worker: &mut Tagger) {
    for _ in 0..10 {
        assert!(send(worker, 503));
    }
}

fn rollbacks(proxy: &Proxy) -> Vec<String> {
    proxy.log(3).into_iter().filter(|line| line.contains("rolled back")).collect()
}

#[test]
fn all_workers_roll_back_at_their_next_refresh() {
    let proxy = Proxy::new();
    let [mut first, mut second, mut third] = [(); 3].map(|()| start(&proxy, CANARY));
    for worker in [&mut first, &mut second, &mut third] {
        assert!((0..3).all(|_| send(worker, 200)));
    }
    // Eleven responses of all workers, of which two are errors.
    send(&mut second, 503);
    assert!(rollbacks(&proxy).is_empty());
    send(&mut third, 503);
    assert_eq!(rollbacks(&proxy), ["canary of api rolled back: 2 of 11 responses were errors"]);
    assert_eq!((proxy.metric(ROLLED_BACK), proxy.metric(WEIGHT)), (1, 0));
    assert!(!send(&mut third, 200));
    assert!(send(&mut first, 200), "not refreshed yet");
    for worker in [&mut first, &mut second] {
        worker.advance(SECOND);
        assert!(!send(worker, 200));
        worker.advance(SECOND * 7_200);
        assert!(!send(worker, 200), "permanent");
    }
    assert!(!send(&mut start(&proxy, CANARY), 200), "seen by a new worker");
    assert_eq!(rollbacks(&proxy).len(), 1);
    assert_eq!((proxy.metric(ROLLED_BACK), proxy.metric(WEIGHT)), (1, 0));
}

#[test]
fn counts_responses_that_have_begun_and_errors() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, CANARY);
    assert!(send(&mut worker, 200) && send(&mut worker, 500));
    let left = worker.request(&[]);
    worker.leave(left);
    let cut = worker.request(&[]);
    worker.response_headers(cut, &[(":status", "200")], false);
    worker.leave(cut);
    let lost = worker.request(&[]);
    worker.end(lost);
    assert_eq!((proxy.metric(REQUESTS), proxy.metric(ERRORS)), (0, 0), "buffered");
    worker.advance(SECOND);
    // The client that left before a response is not counted.
    assert_eq!((proxy.metric(REQUESTS), proxy.metric(ERRORS)), (4, 2));
}

#[test]
fn a_rollback_outlives_the_workers_and_ends_with_the_configuration() {
    let proxy = Proxy::new();
    let mut old = start(&proxy, CANARY);
    fail(&mut old);
    drop(old);
    assert!(!send(&mut start(&proxy, CANARY), 200), "the same configuration");
    let changed = CANARY.replace("10}", "11}");
    assert!(send(&mut start(&proxy, &changed), 200));
    assert_eq!((proxy.metric(ROLLED_BACK), proxy.metric(WEIGHT)), (0, 10_000));
}

#[test]
fn the_last_streams_of_a_configuration_do_not_roll_back_the_next_one() {
    let proxy = Proxy::new();
    let mut old = start(&proxy, CANARY);
    let streams: Vec<_> = (0..10).map(|_| old.request(&[])).collect();
    let mut new = start(&proxy, &CANARY.replace("10}", "11}"));
    for stream in streams {
        old.respond(stream, 503);
        old.end(stream);
    }
    assert_eq!(proxy.metric(ROLLED_BACK), 1, "of the old configuration");
    assert!(send(&mut new, 200));
    old.advance(SECOND);
    new.advance(SECOND);
    assert_eq!((proxy.metric(ROLLED_BACK), proxy.metric(WEIGHT)), (0, 10_000));
    old.advance(SECOND);
    assert_eq!((proxy.metric(ROLLED_BACK), proxy.metric(WEIGHT)), (0, 10_000));
}

#[test]
fn foreign_bytes_in_shared_data_do_not_end_a_rollback() {
    let proxy = Proxy::new();
    let mut workers = [(); 2].map(|()| start(&proxy, CANARY));
    let streams = [(); 3].map(|()| workers[1].request(&[]));
    fail(&mut workers[0]);
    workers[1].advance(SECOND);
    for (bytes, stream) in [&b""[..], &[0; 161], &[0xff; 4_000]].into_iter().zip(streams) {
        for key in proxy.shared_keys() {
            proxy.set_shared(&key, bytes);
        }
        workers[1].respond(stream, 200);
        workers[1].end(stream);
        for worker in &mut workers {
            worker.advance(SECOND);
            assert!(!send(worker, 200), "{bytes:?}");
        }
    }
    assert_eq!((proxy.metric(ROLLED_BACK), rollbacks(&proxy).len()), (1, 1));
}

#[test]
fn a_canary_without_a_guard_is_counted_without_shared_data() {
    let document = r#"{"http": [{"name": "api", "canary": {
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2025-01-01T00:00:00Z",
        "initialWeight": 100, "increment": 1, "interval": "1h"}}]}"#;
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    assert!((0..30).all(|_| send(&mut worker, 503)));
    worker.advance(SECOND);
    assert_eq!((proxy.metric(REQUESTS), proxy.metric(ERRORS)), (30, 30));
    assert!(proxy.shared_keys().is_empty() && rollbacks(&proxy).is_empty());
}

#[test]
fn the_gauge_follows_the_ramp() {
    let document = r#"{"http": [{"name": "api", "canary": {
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-01-01T00:00:05Z",
        "initialWeight": 5, "increment": 10, "interval": "10s", "maxWeight": 20}}]}"#;
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    let mut seen = Vec::new();
    for _ in 0..40 {
        seen.push(proxy.metric(WEIGHT));
        worker.advance(SECOND);
    }
    let expected: Vec<u64> = [(0, 5), (500, 10), (1_500, 10), (2_000, 15)]
        .iter()
        .flat_map(|(weight, seconds)| std::iter::repeat_n(*weight, *seconds))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn an_unreadable_clock_discards_no_other_response() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, CANARY);
    assert!((0..8).all(|_| send(&mut worker, 200)));
    proxy.clear_trace();
    assert!(send(&mut worker, 200));
    let clock = proxy.trace().iter().position(|call| call.name == "clock").unwrap();
    proxy.clear_trace();
    proxy.fail(clock, HostError::InternalFailure);
    assert!(send(&mut worker, 503), "not counted");
    assert!(send(&mut worker, 503) && rollbacks(&proxy).is_empty());
    assert!(send(&mut worker, 503));
    assert_eq!(rollbacks(&proxy), ["canary of api rolled back: 2 of 11 responses were errors"]);
}
