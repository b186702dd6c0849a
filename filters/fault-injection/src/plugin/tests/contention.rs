//! Limits while other workers write the same shared values.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::{cell::Cell, rc::Rc};

use filter_host::memory::Proxy;
use serde_json::json;

use super::{always, metric, slots, start, with};

/// Makes the next `writes` compare-and-swaps lose to another worker.
fn contend(proxy: &Rc<Proxy>, writes: usize) {
    let (shared, left) = (Rc::clone(proxy), Cell::new(writes));
    proxy.interrupt(move |call| {
        if call.name == "replace_shared_data" && left.get() > 0 {
            left.set(left.get().saturating_sub(1));
            shared.set_shared(&call.argument, &shared.shared(&call.argument).unwrap());
        }
    });
}

#[test]
fn a_contended_limit_skips_the_fault() {
    let delay =
        with(always(json!({"delay": {"fixedDelay": "1s"}})), "maxFaultsPerSecond", json!(9));
    let abort = always(json!({"abort": {"httpStatus": 503}}));
    for (document, counter) in [
        (delay, "skipped_budget_total"),
        (always(json!({"delay": {"fixedDelay": "1s"}})), "skipped_overflow_total"),
        (with(abort, "maxFaultsPerSecond", json!(9)), "skipped_budget_total"),
    ] {
        for (writes, skipped) in [(7, 0), (8, 1)] {
            let proxy = Rc::new(Proxy::new());
            let mut worker = start(&proxy, &document);
            contend(&proxy, writes);
            let stream = worker.request(&[]);
            assert_eq!(metric(&proxy, counter), skipped, "{document} {writes}");
            assert_eq!(worker.stream(stream).is_forwarded(), skipped == 1, "{document} {writes}");
            assert_eq!(metric(&proxy, "errors_total"), 0, "{document} {writes}");
            proxy.stop_interrupts();
        }
    }
}

#[test]
fn a_contended_release_is_tried_until_it_succeeds() {
    let proxy = Rc::new(Proxy::new());
    let mut worker = start(&proxy, always(json!({"delay": {"fixedDelay": "1s"}})));
    let stream = worker.request(&[]);
    contend(&proxy, 500);
    worker.leave(stream);
    proxy.stop_interrupts();
    assert_eq!(slots(&proxy), 0);
}
