//! Lists that a worker fetched but could not store.

use std::time::Duration;

use filter_host::{
    HostError,
    memory::{Proxy, Worker},
};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    AccessControl,
    lists::{answer, denying, proxy},
    start,
};

const SECOND: Duration = Duration::from_secs(1);

fn is_forwarded(worker: &mut Worker<AccessControl>) -> bool {
    let stream = worker.request(&[(":method", "GET"), (":path", "/")]);
    worker.end(stream).is_forwarded()
}

/// Returns a worker whose first fetch is in progress.
fn cold(proxy: &Proxy) -> Worker<AccessControl> {
    let mut worker = start(proxy, &denying(&json!({})));
    worker.advance(SECOND);
    worker
}

/// Returns a worker that fetches again after its list has expired.
fn expired(proxy: &Proxy) -> Worker<AccessControl> {
    let mut worker = start(proxy, &denying(&json!({"staleIfError": "0s"})));
    worker.advance(SECOND);
    answer(&mut worker, "200", "10.0.0.1");
    proxy.pass(SECOND * 600);
    worker.tick();
    worker
}

/// Answers with a list whose write fails.
fn unstored(prepare: fn(&Proxy) -> Worker<AccessControl>) -> (Proxy, Worker<AccessControl>) {
    let example = proxy();
    let mut worker = prepare(&example);
    let before = example.trace().len();
    answer(&mut worker, "200", "10.0.0.2");
    let trace = example.trace();
    let calls = trace.iter().map(|call| format!("{call:?}"));
    let is_write = |call: &String| call.contains("set_shared_data") && call.contains("document");
    let mut writes = calls.enumerate().skip(before).filter(|(_, call)| is_write(call));
    let (index, _) = writes.next_back().unwrap();
    drop(worker);
    let proxy = proxy();
    let mut worker = prepare(&proxy);
    proxy.fail(index, HostError::InternalFailure);
    answer(&mut worker, "200", "10.0.0.2");
    let line = "list blocked: the fetch was not stored: InternalFailure";
    assert!(proxy.log(4).iter().any(|logged| logged == line), "{:?}", proxy.log(4));
    (proxy, worker)
}

#[test]
fn an_unstored_list_remains_in_use() {
    for prepare in [cold, expired] {
        let (_proxy, mut worker) = unstored(prepare);
        assert!(is_forwarded(&mut worker));
        worker.advance(SECOND);
        assert!(is_forwarded(&mut worker));
    }
}

#[test]
fn an_unstored_list_remains_in_use_while_another_worker_fetches() {
    let proxy = proxy();
    let (mut late, mut other) = (cold(&proxy), start(&proxy, &denying(&json!({}))));
    proxy.pass(SECOND * 6);
    other.tick();
    assert_eq!(other.calls().len(), 1);
    answer(&mut late, "200", "10.0.0.2");
    late.advance(SECOND);
    assert!(is_forwarded(&mut late));
}

#[test]
fn an_unstored_list_is_not_confirmed() {
    let (proxy, mut worker) = unstored(cold);
    proxy.pass(SECOND * 10);
    worker.tick();
    let calls = proxy.calls();
    assert_eq!(calls.len(), 1);
    assert!(calls.iter().all(|(_, call)| call.headers.first("if-none-match").is_none()));
    answer(&mut worker, "200", "10.0.0.2");
    // A new worker finds the list.
    assert!(is_forwarded(&mut start(&proxy, &denying(&json!({})))));
}

#[test]
fn a_lease_of_a_clock_two_minutes_ahead_ends() {
    let proxy = proxy();
    let mut worker = cold(&proxy);
    answer(&mut worker, "200", "10.0.0.2");
    let due = proxy.now() + SECOND * 60;
    proxy.pass(SECOND * 180);
    worker.tick();
    assert_eq!(worker.calls().len(), 1);
    drop(worker);
    proxy.set_now(due);
    let mut worker = start(&proxy, &denying(&json!({})));
    worker.advance(SECOND);
    assert_eq!(worker.calls().len(), 1);
}
