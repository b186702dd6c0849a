//! Dry runs of the filter and of a limit.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{
    admits, admitted,
    exchange::{OK, exchange},
    flush, limited, metric, start, with,
};

/// Sends five requests, and returns the values of these counters.
fn counted(document: &Value, names: [&str; 4]) -> [u64; 4] {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    assert_eq!(admitted(&mut worker, &[], 5), 5, "{document}");
    assert_eq!(worker.plugin().queue.len(), 0, "{document}");
    flush(&proxy, &mut worker);
    names.map(|name| metric(&proxy, name))
}

const NAMES: [&str; 4] = ["allowed_total", "denied_total", "dry_run_total", "limit_a_denied_total"];

#[test]
fn a_dry_run_counts_but_refuses_and_holds_nothing() {
    let document = |fields: Value| with(limited(fields), "dryRun", json!(true));
    assert_eq!(counted(&document(json!({})), NAMES), [3, 2, 2, 2]);
    assert_eq!(
        counted(&document(json!({"wait": "1s"})), NAMES),
        [5, 0, 0, 0],
        "they would be held"
    );
    let denied = json!({"key": [{"httpHeaderName": "x"}], "onMissingKey": "DENY"});
    assert_eq!(counted(&document(denied), NAMES), [0, 5, 5, 0]);
}

#[test]
fn a_dry_run_of_a_limit_counts_but_refuses_and_holds_nothing() {
    let document = |mut fields: Value| {
        fields["enforced"] = json!({"value": 0});
        limited(fields)
    };
    let [_, denied, dry_run, by_limit] = counted(&document(json!({})), NAMES);
    assert_eq!((denied, dry_run, by_limit), (0, 2, 2));
    let [_, denied, dry_run, _] = counted(&document(json!({"wait": "1s"})), NAMES);
    assert_eq!((denied, dry_run), (0, 0));
    let missing = json!({"key": [{"httpHeaderName": "x"}], "onMissingKey": "DENY"});
    let [_, denied, dry_run, _] = counted(&document(missing), NAMES);
    assert_eq!((denied, dry_run), (0, 5));
}

#[test]
fn a_limit_counts_only_what_it_admits() {
    let document = limited(json!({"enforced": {"value": 0}}));
    let [allowed, ..] = counted(&document, ["limit_a_allowed_total", "", "", ""]);
    assert_eq!(allowed, 3);
}

#[test]
fn a_dry_run_takes_units() {
    let proxy = Proxy::new();
    let document = limited(json!({"per": "1h"}));
    let mut dry = start(&proxy, with(document.clone(), "dryRun", json!(true)));
    assert_eq!(admitted(&mut dry, &[], 5), 5);
    let mut enforced = start(&proxy, document);
    assert!(!admits(&mut enforced, &[]));
}

#[test]
fn a_dry_run_keeps_no_slot_of_a_request_over_the_limit() {
    let proxy = Proxy::new();
    let document = json!({"dryRun": true, "limits": [{"name": "slots", "concurrent": 2}]});
    let mut worker = start(&proxy, document);
    let streams = [(); 5].map(|()| worker.request(&[]));
    let gauge = || proxy.metric("weir_rate_limit_active_test_slots");
    assert_eq!(gauge(), 2);
    for stream in streams {
        assert!(worker.end(stream).is_forwarded());
    }
    assert_eq!(gauge(), 0);
}

#[test]
fn a_dry_run_describes_what_it_would_refuse() {
    let document = json!({
        "dryRun": true, "rateLimitHeaders": "ALL", "explain": [{}],
        "limits": [{"name": "a", "requests": 1, "per": "60s"}],
    });
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    let mut send = || exchange(&proxy, &mut worker, &[("x-weir-explain", "1")], OK);
    send();
    let over = send().client();
    assert!(over.contains(r#"ratelimit: \"a\";r=0;t=60"#), "{over}");
    assert!(over.contains("x-weir-explain: limit=a;remaining=0;reset=60"), "{over}");
}
