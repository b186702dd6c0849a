//! Schedules: their effect, and the log of their transitions.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{
    exchange::{EMPTY, exchange},
    metric, ms, start,
};

/// An abort from the first to the third second.
fn scheduled() -> Value {
    json!({"http": [{"name": "x", "schedule":
        {"startsAt": "2026-01-01T00:00:01Z", "expiresAt": "2026-01-01T00:00:03Z"},
        "fault": {
            "delay": {"percentage": {"value": 100}, "fixedDelay": "1500ms"},
            "abort": {"percentage": {"value": 100}, "httpStatus": 503}}}]})
}

fn transitions(proxy: &Proxy) -> Vec<String> {
    proxy.log(2).into_iter().filter(|line| line.contains("schedule")).collect()
}

#[test]
fn workers_log_each_transition_once() {
    let proxy = Proxy::new();
    let mut workers = [start(&proxy, scheduled()), start(&proxy, scheduled())];
    for (second, expected) in [
        (0, &[][..]),
        (1, &["x: its schedule begins"]),
        (2, &["x: its schedule begins"]),
        (3, &["x: its schedule begins", "x: its schedule ends"]),
        (4, &["x: its schedule begins", "x: its schedule ends"]),
    ] {
        for worker in &mut workers {
            let stream = worker.request(&[]);
            worker.leave(stream);
        }
        assert_eq!(transitions(&proxy), expected, "{second}");
        proxy.pass(ms(1_000));
    }
    assert_eq!(metric(&proxy, "delays_total"), 4);
}

#[test]
fn a_transition_without_requests_is_not_logged() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, scheduled());
    proxy.pass(ms(10_000));
    let stream = worker.request(&[]);
    worker.leave(stream);
    assert_eq!(transitions(&proxy), Vec::<String>::new());
}

#[test]
fn an_abort_after_a_delay_is_skipped_once_its_schedule_has_ended() {
    for (passed, client) in
        [(1_000, "503 weir_fault_injection_abort{x} [] fault filter abort"), (2_000, "204 [] ")]
    {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, scheduled());
        proxy.pass(ms(passed));
        let fate = exchange(&proxy, &mut worker, &[], EMPTY);
        assert_eq!((fate.client().as_str(), fate.time), (client, ms(1_500)));
        assert_eq!(metric(&proxy, "errors_total"), 0);
    }
}

#[test]
fn a_clock_that_jumps_does_not_change_a_delay() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, scheduled());
    proxy.pass(ms(1_000));
    let stream = worker.request(&[]);
    proxy.set_now(ms(0));
    worker.advance(ms(1_499));
    assert!(worker.stream(stream).is_request_paused);
    worker.advance(ms(1));
    assert!(worker.end(stream).is_forwarded(), "the schedule follows the clock");
}
