//! Lists that are fetched.

use std::time::Duration;

use filter_host::memory::{Proxy, Worker};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{AccessControl, start};

const SECOND: Duration = Duration::from_secs(1);
/// Time after which a list is fetched for the first time.
const FIRST: Duration = Duration::from_millis(100);
/// Longest time after which a list is fetched again: 80 % of the interval.
const RENEWAL: Duration = Duration::from_secs(48);
const NOW: Duration = Duration::from_secs(1_900_000_000);
const CLUSTER: &str = "lists";

/// A document that denies the addresses of a list, with additional fields of the list.
pub(super) fn denying(fields: &Value) -> Value {
    let mut list = json!({"uri": "https://lists.example.com/blocked", "cluster": CLUSTER});
    for (name, value) in fields.as_object().unwrap() {
        list[name] = value.clone();
    }
    let rules = json!([{"from": [{"source": {"remoteIpLists": ["blocked"]}}]}]);
    json!({
        "policies": [{"name": "a", "action": "DENY", "rules": rules}],
        "lists": {"blocked": list},
    })
}

pub(super) fn proxy() -> Proxy {
    let proxy = Proxy::new();
    prepare(&proxy);
    proxy
}

pub(super) fn prepare(proxy: &Proxy) {
    proxy.set_now(NOW);
    proxy.add_cluster(CLUSTER);
    proxy.set_property("source.address", b"10.0.0.1:80");
}

fn is_forwarded(worker: &mut Worker<AccessControl>) -> bool {
    let stream = worker.request(&[(":method", "GET"), (":path", "/")]);
    worker.end(stream).is_forwarded()
}

/// Answers all calls of a worker, and returns their number.
pub(super) fn answer(worker: &mut Worker<AccessControl>, status: &str, body: &str) -> usize {
    let calls = worker.calls();
    let headers = [(":status", status), ("etag", "\"1\"")];
    calls.iter().for_each(|call| worker.answer(*call, &headers, body.as_bytes()));
    calls.len()
}

fn gauges(proxy: &Proxy) -> [u64; 2] {
    ["age_seconds", "entries"]
        .map(|stem| proxy.metric(&format!("weir_access_control_list_blocked_{stem}")))
}

#[test]
fn four_workers_fetch_once() {
    let proxy = proxy();
    let mut workers: Vec<_> = (0..4).map(|_| start(&proxy, &denying(&json!({})))).collect();
    assert!(workers.iter_mut().all(|worker| !is_forwarded(worker)), "unsure");
    let mut fetches = Vec::new();
    for (pause, status, body, is_expected) in [
        (FIRST, "200", "192.0.2.0/24\n10.0.0.1", false),
        (RENEWAL, "304", "", false),
        (RENEWAL, "200", "192.0.2.0/24", true),
    ] {
        proxy.pass(pause);
        workers.iter_mut().for_each(Worker::tick);
        if let Some((_, call)) = proxy.calls().first() {
            let etag = call.headers.first("if-none-match");
            assert_eq!(etag.is_some(), !fetches.is_empty());
            assert_eq!(
                call.headers.first("accept").unwrap(),
                b"text/plain, application/json, */*;q=0.1"
            );
        }
        fetches.push(workers.iter_mut().map(|worker| answer(worker, status, body)).sum::<usize>());
        proxy.pass(SECOND);
        workers.iter_mut().for_each(Worker::tick);
        for worker in &mut workers {
            assert_eq!(is_forwarded(worker), is_expected, "{status} {body}");
        }
    }
    assert_eq!(fetches, [1; 3]);
    assert_eq!(gauges(&proxy), [1, 1]);
    // A new worker finds the list.
    assert!(is_forwarded(&mut start(&proxy, &denying(&json!({})))));
    assert_eq!(proxy.metric("weir_access_control_list_fetch_failed_total"), 0);
}

#[test]
fn a_bad_answer_keeps_the_last_good_list_until_it_expires() {
    for (on_unavailable, is_expected) in [("UNSURE", false), ("EMPTY", true)] {
        let proxy = proxy();
        let fields = json!({"onUnavailable": on_unavailable, "staleIfError": "10m"});
        let mut worker = start(&proxy, &denying(&fields));
        assert_eq!(is_forwarded(&mut worker), is_expected);
        worker.advance(FIRST);
        assert_eq!(answer(&mut worker, "200", "10.0.0.1"), 1);
        for (pause, status, body) in
            [(50, "500", ""), (120, "200", "10.0.0.2\nsecret"), (120, "200", "<html>")]
        {
            proxy.pass(SECOND * pause);
            worker.tick();
            assert_eq!(answer(&mut worker, status, body), 1, "{body}");
            assert!(!is_forwarded(&mut worker), "{body}");
            assert_eq!(gauges(&proxy)[1], 1, "{body}");
        }
        proxy.pass(SECOND * 600);
        worker.tick();
        assert_eq!(answer(&mut worker, "200", ""), 1);
        assert_eq!(is_forwarded(&mut worker), is_expected);
        assert_eq!(gauges(&proxy), [890, 0]);
        let log = proxy.log(3);
        let log: Vec<_> =
            log.iter().filter(|line| line.starts_with("list blocked: not fetched")).collect();
        let ends = [
            "the answer has status 500; the last good one is used",
            "line 2 is not an address or a range; the last good one is used, although it is stale",
            "a JSON object instead of a list; the last good one is used",
            "a comment (#) or a JSON list; the last good one has expired now",
        ];
        assert_eq!(log.len(), ends.len(), "{log:?}");
        assert!(log.iter().zip(ends).all(|(line, end)| line.ends_with(end)), "{log:?}");
        assert!(proxy.log(0).iter().all(|line| !line.contains("secret")), "{log:?}");
        proxy.pass(SECOND * 60);
        worker.tick();
        assert_eq!(answer(&mut worker, "200", "10.0.0.2"), 1);
        assert!(is_forwarded(&mut worker), "recovered");
        proxy.pass(SECOND * 661);
        worker.tick();
        assert_eq!(is_forwarded(&mut worker), is_expected);
        drop(worker);
        assert_eq!(proxy.metric("weir_access_control_list_fetch_failed_total"), 4);
    }
}

#[test]
fn another_worker_fetches_after_a_lost_lease() {
    let proxy = proxy();
    let document = denying(&json!({}));
    let (mut lost, mut other) = (start(&proxy, &document), start(&proxy, &document));
    lost.advance(FIRST);
    other.tick();
    assert_eq!((lost.calls().len(), other.calls().len()), (1, 0));
    proxy.pass(SECOND * 6);
    other.tick();
    assert_eq!(answer(&mut other, "200", "10.0.0.2"), 1);
    assert!(is_forwarded(&mut other));
    // The answer to the first worker is of use only for itself.
    assert_eq!(answer(&mut lost, "200", "10.0.0.1"), 1);
    assert!(!is_forwarded(&mut lost));
    assert_eq!(
        proxy.log(3),
        ["list blocked: the fetch was discarded, because another worker fetched as well"]
    );
    proxy.pass(SECOND);
    other.tick();
    assert!(is_forwarded(&mut other));
}

#[test]
fn overwritten_records_keep_the_list_in_use() {
    let proxy = proxy();
    let mut worker = start(&proxy, &denying(&json!({})));
    worker.advance(FIRST);
    answer(&mut worker, "200", "10.0.0.2");
    for key in proxy.shared_keys() {
        for value in [&b""[..], b"\xff", &[0xff; 88], &[0; 88]] {
            proxy.set_shared(&key, value);
            worker.advance(SECOND);
            answer(&mut worker, "500", "");
            assert!(is_forwarded(&mut worker), "{key} {value:?}");
        }
    }
}

#[test]
fn labels_name_the_list() {
    let proxy = proxy();
    let mut document = denying(&json!({}));
    document["metrics"] = json!({"labels": true});
    let mut worker = start(&proxy, &document);
    worker.advance(FIRST);
    answer(&mut worker, "200", "10.0.0.2\n10.0.0.2");
    assert_eq!(proxy.metric("weir_access_control_list_entries.list=.=blocked;.;"), 2);
}

#[test]
fn a_shorter_interval_applies_to_a_list_fetched_before() {
    let proxy = proxy();
    let mut worker = start(&proxy, &denying(&json!({"refreshInterval": "24h"})));
    worker.advance(SECOND);
    answer(&mut worker, "200", "10.0.0.2");
    drop(worker);
    let fields = json!({"refreshInterval": "5s", "staleIfError": "0s"});
    let mut worker = start(&proxy, &denying(&fields));
    let mut calls = 0;
    for _ in 0..10 {
        worker.advance(SECOND);
        calls += answer(&mut worker, "500", "");
    }
    assert!(calls > 0);
    assert!(!is_forwarded(&mut worker));
}

#[test]
fn a_record_of_another_clock_is_replaced() {
    let later = NOW.saturating_add(SECOND * 315_360_000);
    for (name, is_fetched, damage) in [
        ("a list from the future", true, false),
        ("a lease from the future", false, false),
        ("a damaged record", false, true),
    ] {
        let proxy = proxy();
        proxy.set_now(later);
        let mut worker = start(&proxy, &denying(&json!({})));
        worker.advance(SECOND);
        if is_fetched {
            answer(&mut worker, "200", "10.0.0.2");
        }
        drop(worker);
        proxy.set_now(NOW);
        if damage {
            proxy.shared_keys().iter().for_each(|key| proxy.set_shared(key, &[0xff; 88]));
        }
        let mut worker = start(&proxy, &denying(&json!({})));
        assert!(!is_forwarded(&mut worker), "{name}");
        worker.advance(SECOND);
        assert_eq!(answer(&mut worker, "200", "10.0.0.2"), 1, "{name}");
        assert!(is_forwarded(&mut worker), "{name}");
        proxy.pass(SECOND * 60);
        worker.tick();
        assert_eq!(answer(&mut worker, "200", "10.0.0.1"), 1, "{name}");
        assert!(!is_forwarded(&mut worker), "{name}");
    }
}

#[test]
fn a_worker_that_lost_its_lease_uses_the_shared_list() {
    let proxy = proxy();
    let document = denying(&json!({}));
    let (mut late, mut other) = (start(&proxy, &document), start(&proxy, &document));
    late.advance(SECOND);
    proxy.pass(SECOND * 6);
    other.tick();
    assert_eq!(answer(&mut other, "200", "10.0.0.1"), 1);
    assert_eq!(answer(&mut late, "200", "10.0.0.2"), 1);
    proxy.pass(SECOND);
    other.tick();
    late.tick();
    assert!(!is_forwarded(&mut other));
    assert!(!is_forwarded(&mut late));
}

#[test]
fn an_expired_list_is_not_read_at_each_tick() {
    let proxy = proxy();
    let document = denying(&json!({"staleIfError": "0s"}));
    let mut worker = start(&proxy, &document);
    worker.advance(SECOND);
    answer(&mut worker, "200", "10.0.0.2");
    drop(worker);
    proxy.pass(SECOND * 600);
    let mut worker = start(&proxy, &document);
    proxy.clear_trace();
    for _ in 0..20 {
        worker.advance(SECOND);
        answer(&mut worker, "500", "");
    }
    let trace = proxy.trace();
    let reads = trace.iter().map(|call| format!("{call:?}"));
    assert_eq!(reads.filter(|call| call.contains("document")).count(), 0);
}
