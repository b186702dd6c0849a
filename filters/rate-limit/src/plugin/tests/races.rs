//! Generated interleavings of concurrent requests, and lost writes.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::{cell::RefCell, rc::Rc};

use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{
    Limiter, admits, admitted, flush,
    interleavings::{Mode, Race, SCHEDULES},
    limited, metric, ms, start,
};

const GAUGE: &str = "weir_rate_limit_active_test_a";

fn check(key: &Value, is_rejected: bool) {
    let mut document = json!({"limits": [{"name": "a", "concurrent": 3, "key": key}]});
    if *key != json!([]) {
        document["limits"][0]["maxKeys"] = json!(16);
    }
    let mut reached = 0_u64;
    for seed in 0..SCHEDULES {
        let proxy = Proxy::new();
        if is_rejected {
            proxy.reject_metric(GAUGE);
        }
        let race = Race::run(seed, &document, Mode::Open, proxy);
        let most = race.most_open.get();
        assert!(most <= 3, "seed {seed}: {most} at once");
        reached += u64::from(most == 3);
        race.close();
        assert_eq!(race.proxy.metric(GAUGE), 0, "seed {seed}");
        let mut worker = start(&race.proxy, &document);
        let user = [("x-user", "a"), (":method", "GET")];
        let open = [(); 4].map(|()| worker.request(&user));
        let is_forwarded = open.map(|stream| worker.stream(stream).is_forwarded());
        assert_eq!(
            is_forwarded,
            [true, true, true, false],
            "seed {seed}: all slots are free again"
        );
    }
    assert!(reached > SCHEDULES / 4, "the limit was reached in {reached} schedules");
}

#[test]
fn no_schedule_exceeds_a_gauge() {
    check(&json!([]), false);
}

#[test]
fn no_schedule_exceeds_a_page() {
    check(&json!([{"method": true}]), false);
}

#[test]
fn no_schedule_exceeds_a_gauge_that_always_reads_zero() {
    check(&json!([]), true);
}

/// Sends a request whose first `lost` writes are lost to another worker, which takes no units.
fn lose(proxy: &Proxy, document: &Value, worker: &mut Limiter, lost: usize) -> bool {
    let mut free = document.clone();
    free["limits"][0]["cost"] = json!(0);
    let mut other = start(proxy, &free);
    let mut left = lost;
    proxy.interrupt(move |call| {
        if call.name == "replace_shared_data" && left > 0 {
            left -= 1;
            assert!(admits(&mut other, &[]));
        }
    });
    let is_admitted = admits(worker, &[]);
    proxy.stop_interrupts();
    is_admitted
}

#[test]
fn a_lost_write_is_drawn_again() {
    for window in ["TOKEN_BUCKET", "SLIDING", "FIXED"] {
        for (lost, contended) in [(0, 0), (1, 0), (7, 0), (8, 1), (20, 1)] {
            let proxy = Proxy::new();
            let document = limited(json!({"per": "1h", "window": window}));
            let mut worker = start(&proxy, &document);
            assert!(lose(&proxy, &document, &mut worker, lost), "{window} {lost}");
            flush(&proxy, &mut worker);
            assert_eq!(metric(&proxy, "contended_total"), contended, "{window} {lost}");
            let left = admitted(&mut worker, &[], 5);
            assert_eq!(left, if contended == 0 { 2 } else { 3 }, "{window} {lost}");
        }
    }
}

#[test]
fn units_that_are_given_back_are_noticed_within_a_second() {
    let limit = |name: &str, per: &str| json!({"name": name, "requests": 1, "per": per});
    let document = json!({"http": [
        {"match": [{"method": {"exact": "PUT"}}], "limits": [limit("minute", "1m")]},
        {"limits": [limit("day", "24h"), {"ref": "minute"}]}]});
    let proxy = Proxy::new();
    let (mut worker, other) = (start(&proxy, &document), start(&proxy, &document));
    let other = Rc::new(RefCell::new(other));
    let (racer, mut writes) = (Rc::clone(&other), 0);
    proxy.interrupt(move |call| {
        writes += u64::from(call.name == "replace_shared_data");
        // The first limit is drawn, and the second one is about to be.
        if call.name == "replace_shared_data" && writes == 2 {
            assert!(!admits(&mut racer.borrow_mut(), &[(":method", "GET")]));
            assert!(admits(&mut racer.borrow_mut(), &[(":method", "PUT")]));
        }
    });
    assert!(!admits(&mut worker, &[(":method", "GET")]), "the other worker was faster");
    proxy.stop_interrupts();
    proxy.pass(ms(60_000));
    assert!(admits(&mut other.borrow_mut(), &[(":method", "GET")]));
}
