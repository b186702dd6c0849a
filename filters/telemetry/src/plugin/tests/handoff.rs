//! Items that pass from a plugin to its successor.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;

use super::{
    Meter, metric,
    outcome::numbers,
    scenarios::{SECOND, TICK, TRACED, answer, request, serve},
    start,
};

const ACCEPTED: [(&str, &str); 2] = [(":status", "200"), ("grpc-status", "0")];

/// Lets a worker export until its queues are empty. Returns the numbers of the exported streams.
fn exported(proxy: &Proxy, worker: &mut Meter) -> Vec<String> {
    let mut streams = Vec::new();
    for _ in 0..5 {
        worker.advance(SECOND);
        let calls = answer(proxy, worker, &ACCEPTED, b"");
        streams.extend(calls.iter().flat_map(|call| numbers(&call.body)));
    }
    streams
}

#[test]
fn a_new_plugin_exports_what_the_old_one_had_not() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut old = start(&proxy, TRACED);
    let late = old.request(&request("/3/stream", &[]));
    serve(&mut old, "/1/stream", &[]);
    old.advance(TICK);
    assert_eq!(old.calls().len(), 1, "in flight");
    serve(&mut old, "/2/stream", &[]);
    let mut new = start(&proxy, TRACED);
    serve(&mut new, "/4/stream", &[]);
    assert_eq!(exported(&proxy, &mut new), ["4"]);
    old.respond(late, 200);
    old.end(late);
    drop(old);
    assert_eq!(exported(&proxy, &mut new), ["1", "2", "3"]);
    let counts = ["spans_built_total", "spans_sent_total", "queue_bytes"];
    assert_eq!(counts.map(|name| metric(&proxy, name)), [4, 4, 0]);
}

#[test]
fn one_of_several_workers_takes_each_batch_over() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut old = start(&proxy, TRACED);
    for path in ["/1/stream", "/2/stream", "/3/stream"] {
        serve(&mut old, path, &[]);
        old.advance(TICK);
    }
    drop(old);
    let [mut first, mut second] = [start(&proxy, TRACED), start(&proxy, TRACED)];
    let mut streams = exported(&proxy, &mut first);
    streams.extend(exported(&proxy, &mut second));
    streams.sort();
    assert_eq!(streams, ["1", "2", "3"]);
    assert_eq!(metric(&proxy, "queue_bytes"), 0);
}

#[test]
fn counts_the_items_of_a_removed_provider_as_dropped() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut old = start(&proxy, TRACED);
    serve(&mut old, "/1/stream", &[]);
    drop(old);
    let mut new = start(&proxy, &TRACED.replace("otel", "other"));
    assert!(exported(&proxy, &mut new).is_empty());
    let counts = ["spans_built_total", "spans_dropped_reconfigured_total", "queue_bytes"];
    assert_eq!(counts.map(|name| metric(&proxy, name)), [1, 1, 0]);
}

#[test]
fn takes_over_only_what_fits() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut old = start(&proxy, TRACED);
    for stream in 1..=4 {
        serve(&mut old, &format!("/{stream}/stream"), &[]);
        old.advance(TICK);
    }
    let mut other = start(&proxy, TRACED);
    serve(&mut other, "/5/stream", &[]);
    drop(old);
    drop(other);
    let mut new = start(&proxy, TRACED);
    new.advance(TICK);
    assert_eq!(new.calls().len(), 4, "at most four batches outside the queue");
    let calls = answer(&proxy, &mut new, &ACCEPTED, b"");
    assert_eq!(calls.iter().flat_map(|call| numbers(&call.body)).count(), 4);
    assert_eq!(exported(&proxy, &mut new).len(), 1);
    assert_eq!(metric(&proxy, "spans_sent_total"), 5);
}

#[test]
fn ignores_messages_of_other_plugins() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut worker = start(&proxy, TRACED);
    worker.advance(TICK);
    for message in [&b""[..], b"hello", &[1, 0, 1, 0, 0, 0, 200], &[0xff; 300]] {
        proxy.enqueue("weir.telemetry.test", message);
    }
    serve(&mut worker, "/1/stream", &[]);
    assert_eq!(exported(&proxy, &mut worker), ["1"]);
    assert!(proxy.log(3).is_empty(), "{:?}", proxy.log(3));
}
