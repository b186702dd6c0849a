//! The timers of the metric buffer and of the exporter.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::{HostError, memory::Proxy};

use super::{
    metric,
    scenarios::{TICK, TRACED, serve},
    start,
};

#[test]
fn reports_counts_within_a_tick_and_stops_the_timer_when_idle() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, "{}");
    assert_eq!(worker.tick_period(), None);
    for expected in 1..=3 {
        serve(&mut worker, "/1/stream", &[]);
        assert_eq!(worker.tick_period(), Some(TICK));
        assert_eq!(metric(&proxy, "requests_total"), expected - 1);
        worker.advance(TICK);
        assert_eq!(metric(&proxy, "requests_total"), expected);
        worker.advance(TICK);
        assert_eq!(worker.tick_period(), None);
    }
}

#[test]
fn reports_counts_when_the_plugin_is_dropped() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, "{}");
    serve(&mut worker, "/1/stream", &[]);
    drop(worker);
    assert_eq!(metric(&proxy, "requests_total"), 1);
}

#[test]
fn counts_and_exports_with_the_same_tick() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut worker = start(&proxy, TRACED);
    for _ in 0..3 {
        proxy.pass(TICK / 3);
        serve(&mut worker, "/1/stream", &[]);
        worker.advance(TICK * 2);
        assert_eq!(worker.tick_period(), Some(TICK));
    }
    let (requests, spans) = (metric(&proxy, "requests_total"), metric(&proxy, "spans_built_total"));
    assert_eq!((requests, spans), (3, 3));
    assert_eq!(worker.tick_period(), Some(TICK), "looks for items of an earlier plugin");
}

#[test]
fn exports_although_the_proxy_refused_the_timer_once() {
    let index = {
        let proxy = Proxy::new();
        drop(start(&proxy, TRACED));
        proxy.trace().iter().position(|call| call.name == "set_tick_period").unwrap()
    };
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    proxy.fail(index, HostError::InternalFailure);
    let mut worker = start(&proxy, TRACED);
    assert_eq!(worker.tick_period(), None);
    serve(&mut worker, "/1/stream", &[]);
    worker.advance(TICK * 2);
    assert_eq!(worker.calls().len(), 1);
}
