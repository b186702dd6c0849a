//! Configurations: accepted, refused and replaced.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::json;

use super::{FaultInjection, always, metric, ms, slots, start, with};

#[test]
fn a_plugin_without_streams_counts_and_sends_nothing() {
    let limited =
        with(always(json!({"delay": {"fixedDelay": "1s"}})), "maxFaultsPerSecond", json!(1));
    for document in [
        String::new(),
        "{}".to_owned(),
        limited.to_string(),
        with(limited, "successCriteria", json!({"maxErrorRate": {"value": 1}})).to_string(),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &document);
        worker.advance(ms(60_000));
        assert_eq!(worker.tick_period(), None, "{document}");
        drop(worker);
        assert!(proxy.metrics().is_empty() && proxy.histograms().is_empty(), "{document}");
        assert!(proxy.calls().is_empty(), "{document}");
        assert_eq!(proxy.log(1), ["configuration applied"], "{document}");
    }
}

#[test]
fn refuses_a_document_with_the_path_of_each_error() {
    for (document, paths) in [
        (json!({"http": [{"fault": {}}], "x": 1}), &["x"][..]),
        (json!({"http": [{"fault": {}}, {"name": "a b"}]}), &["http[0].fault"]),
        (json!({"maxDelay": "0ms", "maxActiveFaults": 0}), &["maxDelay", "maxActiveFaults"]),
        (json!("text"), &[]),
    ] {
        let proxy = Proxy::new();
        let refused = proxy.worker::<FaultInjection>(&document.to_string()).err();
        let refused = refused.unwrap_or_default();
        assert!(!refused.is_empty(), "{document}");
        assert!(paths.iter().all(|path| refused.contains(path)), "{document}: {refused}");
        assert!(proxy.shared_keys().is_empty() && proxy.trace().is_empty(), "{document}");
    }
}

#[test]
fn logs_warnings_about_the_document() {
    let delay = json!({"fixedDelay": "5s"});
    let over = json!({"expiresAt": "2025-01-01T00:00:00Z"});
    for (document, warnings) in [
        (
            json!({"http": [{"fault": {"delay": delay}}]}),
            &[
                "http[0].fault.delay: has no percentage, so it never fires",
                "http[0].schedule: has no expiresAt, so the faults never end",
            ][..],
        ),
        (
            with(always(json!({"delay": delay})), "schedule", over),
            &["schedule: expiresAt has passed, so no fault fires"],
        ),
    ] {
        let proxy = Proxy::new();
        drop(start(&proxy, &document));
        assert_eq!(proxy.log(3), warnings, "{document}");
    }
}

#[test]
fn held_streams_finish_under_their_configuration() {
    let proxy = Proxy::new();
    let fault = json!({"delay": {"fixedDelay": "1s"}, "abort": {"httpStatus": 418}});
    let mut old = start(&proxy, with(always(fault), "maxActiveFaults", json!(1)));
    let held = old.request(&[]);
    let fault = json!({"delay": {"fixedDelay": "2s"}, "abort": {"httpStatus": 503}});
    let mut new = start(&proxy, with(always(fault), "maxActiveFaults", json!(1)));
    let next = new.request(&[]);
    assert!(new.stream(next).is_request_paused, "each configuration counts its own streams");
    assert_eq!((slots(&proxy), metric(&proxy, "active")), (2, 2));
    old.advance(ms(1_000));
    new.advance(ms(1_000));
    let status = |state: filter_host::memory::StreamState| state.reply.map(|reply| reply.status);
    assert_eq!((status(old.end(held)), status(new.end(next))), (Some(418), Some(503)));
    assert_eq!((slots(&proxy), old.tick_period(), new.tick_period()), (0, None, None));
}

#[test]
fn a_dropped_worker_releases_its_slots() {
    let proxy = Proxy::new();
    let document = always(json!({"delay": {"fixedDelay": "1s"}}));
    let [mut first, mut second] = [start(&proxy, &document), start(&proxy, &document)];
    first.request(&[]);
    first.request(&[]);
    second.request(&[]);
    assert_eq!(slots(&proxy), 3);
    drop(first);
    assert_eq!((slots(&proxy), metric(&proxy, "active")), (1, 1));
}
