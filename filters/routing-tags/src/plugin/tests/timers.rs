//! The timers of the metric buffer and of the refreshes.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_host::memory::Proxy;

use super::{Tagger, canaries::CANARY, start};

const SECOND: Duration = Duration::from_secs(1);
const UNTAGGED: &str = "weir_routing_tags_untagged_total";

/// Returns the number of host calls of this name since the last call of this function.
fn calls(proxy: &Proxy, name: &str) -> usize {
    let count = proxy.trace().iter().filter(|call| call.name == name).count();
    proxy.clear_trace();
    count
}

fn send(worker: &mut Tagger) {
    let stream = worker.request(&[]);
    worker.respond(stream, 200);
    worker.end(stream);
}

#[test]
fn reports_counters_after_a_second_and_stops_the_timer_when_idle() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, "{}");
    assert_eq!(worker.tick_period(), None);
    for expected in 1..=3 {
        send(&mut worker);
        assert_eq!(worker.tick_period(), Some(SECOND));
        assert_eq!(proxy.metric(UNTAGGED), expected - 1);
        worker.advance(SECOND);
        assert_eq!(proxy.metric(UNTAGGED), expected);
        worker.advance(SECOND);
        assert_eq!(worker.tick_period(), None);
    }
}

#[test]
fn reports_counters_when_the_plugin_is_dropped() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, "{}");
    send(&mut worker);
    drop(worker);
    assert_eq!(proxy.metric(UNTAGGED), 1);
}

#[test]
fn flushes_with_the_tick_of_a_refresh() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, CANARY);
    let tagged = || proxy.metric("weir_routing_tags_tagged_total");
    worker.advance(SECOND * 3 / 10);
    let stream = worker.request(&[]);
    worker.end(stream);
    proxy.clear_trace();
    worker.advance(SECOND * 7 / 10);
    assert_eq!((calls(&proxy, "clock"), tagged()), (1, 1), "after 1.0 s");
    for _ in 0..3 {
        worker.advance(SECOND);
        assert_eq!(calls(&proxy, "clock"), 1);
    }
    assert_eq!(worker.tick_period(), Some(SECOND), "only the refreshes go on");
}

#[test]
fn reads_the_clock_for_a_request_only_if_a_decision_changes_soon() {
    let schedule = r#"{"http": [{"schedule": {"startsAt": "2026-01-01T00:00:10Z"}, "tag": "v2"}]}"#;
    let proxy = Proxy::new();
    let mut worker = start(&proxy, schedule);
    let mut found = Vec::new();
    for _ in 0..12 {
        proxy.clear_trace();
        let stream = worker.request(&[]);
        let tag = worker.end(stream).request_header("x-weir-tag");
        found.push((calls(&proxy, "clock"), tag.is_some()));
        worker.advance(SECOND);
    }
    let cached = |is_tagged| (0, is_tagged);
    let expected: Vec<_> = (0..12)
        .map(|second| match second {
            7..10 => (1, false),
            _ => cached(second >= 10),
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn does_without_a_clock_if_no_decision_depends_on_it() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, r#"{"http": [{"tag": "v2"}]}"#);
    send(&mut worker);
    worker.advance(SECOND * 3);
    assert_eq!(calls(&proxy, "clock"), 0);
}

#[test]
fn refreshes_again_once_the_proxy_accepts_the_timer() {
    let proxy = Proxy::new();
    let index = {
        drop(start(&proxy, CANARY));
        proxy.trace().iter().position(|call| call.name == "set_tick_period").unwrap()
    };
    let proxy = Proxy::new();
    proxy.fail(index, filter_host::HostError::InternalFailure);
    let mut worker = start(&proxy, CANARY);
    assert_eq!(worker.tick_period(), None);
    proxy.clear_trace();
    send(&mut worker);
    assert!(calls(&proxy, "clock") >= 1, "the clock is read for each request");
    worker.advance(SECOND);
    proxy.clear_trace();
    let stream = worker.request(&[]);
    assert_eq!(calls(&proxy, "clock"), 0);
    worker.end(stream);
    worker.advance(SECOND * 5);
    assert_eq!(calls(&proxy, "set_shared_data"), 0);
    assert_eq!(worker.tick_period(), Some(SECOND));
}
