//! Limits that all workers of a pod share, and the automatic stop.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::{Proxy, StreamState};
use serde_json::{Value, json};

use super::{
    Injector, always,
    exchange::{EMPTY, exchange},
    metric, ms, slots, start, with,
};

/// Aborts requests with `x-fault`, and stops after the first error.
fn guarded() -> Value {
    let abort = json!({"percentage": {"value": 100}, "httpStatus": 503});
    json!({
        "successCriteria": {"maxErrorRate": {"value": 0}, "minRequestCount": 2, "window": "60s"},
        "http": [{"name": "x", "match": [{"headers": {"x-fault": {}}}],
            "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": "100ms"}, "abort": abort}}]
    })
}

fn respond(worker: &mut Injector, headers: &[(&str, &str)], status: u16) -> StreamState {
    let stream = worker.request(headers);
    if worker.stream(stream).is_forwarded() {
        worker.respond(stream, status);
    }
    worker.end(stream)
}

#[test]
fn all_workers_share_the_slots() {
    let proxy = Proxy::new();
    let document =
        with(always(json!({"delay": {"fixedDelay": "1s"}})), "maxActiveFaults", json!(3));
    let mut workers = [start(&proxy, &document), start(&proxy, &document)];
    let held: Vec<_> = (0..5)
        .map(|number| {
            let worker = number % 2;
            let stream = workers[worker].request(&[]);
            (worker, stream, workers[worker].stream(stream).is_request_paused)
        })
        .collect();
    assert_eq!(
        held.iter().map(|(_, _, is_held)| *is_held).collect::<Vec<_>>(),
        [true, true, true, false, false]
    );
    assert_eq!((slots(&proxy), metric(&proxy, "skipped_overflow_total")), (3, 2));
    let overflow = workers[1].stream(held[3].1);
    assert!(overflow.is_forwarded() && overflow.property("weir.fault").is_none());
    workers[0].leave(held[0].1);
    let stream = workers[1].request(&[]);
    assert!(workers[1].stream(stream).is_request_paused, "the slot is free again");
    for worker in &mut workers {
        worker.advance(ms(1_000));
    }
    assert_eq!((slots(&proxy), metric(&proxy, "active")), (0, 0));
}

#[test]
fn a_fault_that_holds_nothing_needs_no_slot() {
    let proxy = Proxy::new();
    let document = with(always(json!({"abort": {"httpStatus": 503}})), "maxActiveFaults", json!(1));
    let mut worker = start(&proxy, &document);
    for _ in 0..3 {
        let stream = worker.request(&[]);
        assert!(worker.stream(stream).reply.is_some());
    }
    assert_eq!((slots(&proxy), metric(&proxy, "aborts_total")), (0, 3));
}

#[test]
fn all_workers_share_the_budget() {
    let proxy = Proxy::new();
    let document =
        with(always(json!({"abort": {"httpStatus": 503}})), "maxFaultsPerSecond", json!(4));
    let mut workers = [start(&proxy, &document), start(&proxy, &document)];
    let mut faults = |requests: usize| {
        (0..requests)
            .filter(|number| {
                let stream = respond(&mut workers[number % 2], &[], 200);
                stream.reply.is_some()
            })
            .count()
    };
    assert_eq!(faults(10), 4);
    proxy.pass(ms(500));
    assert_eq!(faults(10), 2);
    proxy.set_now(ms(0));
    assert_eq!(faults(10), 0, "the wall clock does not matter");
    proxy.pass(ms(5_000));
    assert_eq!(faults(10), 4);
    assert_eq!(metric(&proxy, "skipped_budget_total"), 30);
}

#[test]
fn an_error_stops_the_faults_of_all_workers() {
    let proxy = Proxy::new();
    let [mut first, mut second] = [start(&proxy, guarded()), start(&proxy, guarded())];
    let fault = [("x-fault", "1")];
    assert_eq!(metric(&proxy, "stopped"), 0);
    let held = second.request(&fault);
    respond(&mut first, &[], 200);
    assert!(first.request(&fault) > 0 && slots(&proxy) == 2);
    respond(&mut first, &[], 500);
    assert_eq!(metric(&proxy, "stopped"), 1);
    assert_eq!(exchange(&proxy, &mut second, &fault, EMPTY).client(), "204 [] ");
    assert_eq!(metric(&proxy, "skipped_stopped_total"), 1);
    second.advance(ms(100));
    assert!(second.end(held).is_forwarded(), "the abort after the delay is skipped");
    for _ in 0..10 {
        respond(&mut second, &[], 200);
        respond(&mut first, &[], 500);
    }
    proxy.pass(ms(3_600_000));
    respond(&mut first, &[], 200);
    assert_eq!(exchange(&proxy, &mut first, &fault, EMPTY).client(), "204 [] ", "it has no end");
    let lines = proxy.log(2).into_iter().filter(|line| line.starts_with("stopped: "));
    assert_eq!(lines.collect::<Vec<_>>(), ["stopped: 1 errors in 2 answers"]);
}

#[test]
fn only_answers_without_a_fault_count_for_the_stop() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, guarded());
    for _ in 0..5 {
        exchange(&proxy, &mut worker, &[("x-fault", "1")], EMPTY);
        let left = worker.request(&[]);
        worker.leave(left);
    }
    assert_eq!((metric(&proxy, "aborts_total"), metric(&proxy, "stopped")), (5, 0));
    let lost = worker.request(&[]);
    worker.end(lost);
    assert_eq!(metric(&proxy, "stopped"), 0, "one answer is too few");
    respond(&mut worker, &[], 200);
    assert_eq!(metric(&proxy, "stopped"), 1, "no answer is an error");
}

#[test]
fn a_new_worker_keeps_the_stop_and_a_new_configuration_ends_it() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, guarded());
    respond(&mut worker, &[], 500);
    respond(&mut worker, &[], 500);
    assert_eq!(metric(&proxy, "stopped"), 1);
    let mut second = start(&proxy, guarded());
    assert_eq!(metric(&proxy, "stopped"), 1);
    assert_eq!(respond(&mut second, &[("x-fault", "1")], 200).reply, None);
    let mut changed = start(&proxy, with(guarded(), "maxDelay", json!("1s")));
    assert_eq!(metric(&proxy, "stopped"), 0);
    assert_eq!(
        exchange(&proxy, &mut changed, &[("x-fault", "1")], EMPTY).stream.reply.unwrap().status,
        503
    );
}
