//! Aborts, requests without a fault, and the observable parts of a fault.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{
    always,
    exchange::{Fate, HELLO, exchange},
    metric, ms, slots, start, with,
};

fn send(document: &Value, headers: &[(&str, &str)]) -> (Proxy, Fate) {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    let fate = exchange(&proxy, &mut worker, headers, HELLO);
    (proxy, fate)
}

const ORIGINAL: &str = "200 [content-length: 10, server: x] helloworld";

#[test]
fn aborts_in_each_phase_with_and_without_a_delay() {
    let reply = "418 weir_fault_injection_abort{x} [retry-after: 3] lost";
    let http = json!({"httpStatus": 418, "body": {"string": "lost"},
        "headers": {"response": {"set": {"retry-after": "3"}}}});
    for (kind, expected, counter) in
        [(http, reply, "aborts_total"), (json!({"reset": {}}), "reset", "resets_total")]
    {
        for phase in ["REQUEST", "RESPONSE"] {
            for length in [None, Some("50ms")] {
                let mut fault = json!({"abort": with(kind.clone(), "phase", json!(phase))});
                if let Some(length) = length {
                    fault["delay"] = json!({"fixedDelay": length, "phase": phase});
                }
                let (proxy, fate) = send(&always(fault.clone()), &[]);
                assert_eq!(fate.client(), expected, "{fault}");
                assert_eq!(fate.upstream.is_some(), phase == "RESPONSE", "{fault}");
                assert_eq!(fate.time, ms(if length.is_some() { 50 } else { 0 }), "{fault}");
                assert_eq!((metric(&proxy, counter), slots(&proxy)), (1, 0), "{fault}");
                assert_eq!(metric(&proxy, "errors_total"), 0, "{fault}");
            }
        }
    }
}

#[test]
fn the_reply_of_an_abort_gets_no_further_fault() {
    let fault = json!({"abort": {"httpStatus": 418},
        "response": {"httpStatus": 500, "body": {"string": "other"}},
        "responseRateLimit": {"fixedLimit": {"limitKbps": 1}}});
    let (proxy, fate) = send(&always(fault), &[]);
    assert_eq!(fate.stream.response_header(":status").as_deref(), Some("418"));
    assert_eq!(fate.stream.response_body, b"fault filter abort");
    assert!(!fate.stream.is_response_paused);
    assert_eq!((slots(&proxy), metric(&proxy, "abandoned_total")), (0, 0));
}

#[test]
fn a_grpc_abort_has_its_status() {
    let document = always(json!({"abort": {"grpcStatus": "NOT_FOUND", "grpcMessage": "gone"}}));
    let (_, fate) = send(&document, &[("content-type", "application/grpc")]);
    let reply = fate.stream.reply.unwrap();
    assert_eq!((reply.status, reply.grpc_status, &reply.body[..]), (200, 5, &b"gone"[..]));
}

#[test]
fn publishes_and_logs_a_fault() {
    let fault = json!({"delay": {"fixedDelay": "50ms"}, "abort": {"httpStatus": 503}});
    let document = with(always(fault), "markHeader", json!("x-fault"));
    let (proxy, fate) = send(&document, &[("x-secret", "secret")]);
    let summary = "entry=x;delay=50;abort=503;phase=REQUEST";
    assert_eq!(fate.stream.property("weir.fault"), Some(summary.as_bytes()));
    let headers = fate.stream.reply.unwrap().headers;
    assert_eq!(headers.first("x-fault"), Some(summary.as_bytes()));
    assert_eq!(proxy.log(0), ["configuration applied", summary]);
}

#[test]
fn a_response_with_a_fault_gets_the_mark() {
    let fault = json!({"delay": {"fixedDelay": "50ms"}});
    let (_, fate) = send(&with(always(fault), "markHeader", json!("x-fault")), &[]);
    let mark = fate.stream.response_header("x-fault");
    assert_eq!(mark.as_deref(), Some("entry=x;delay=50;phase=REQUEST"));
}

#[test]
fn a_request_without_a_fault_is_unchanged() {
    let fault = json!({"percentage": {"value": 100}, "httpStatus": 503});
    let only =
        |condition: Value| json!({"http": [{"match": [condition], "fault": {"abort": fault}}]});
    for (document, headers) in [
        (json!({}), &[][..]),
        (json!({"http": [{"fault": {"abort": {"httpStatus": 503}}}]}), &[]),
        (only(json!({"headers": {"x-a": {}}})), &[("x-b", "1")]),
        (json!({"http": [{}]}), &[]),
        (with(always(json!({"delay": {"fixedDelay": "1s"}})), "dryRun", json!(true)), &[]),
        (always(json!({"abort": {"headerAbort": {}}})), &[]),
    ] {
        let mut document = document;
        if document["http"][0]["fault"]["abort"].get("headerAbort").is_some() {
            document["http"][0]["match"] = json!([{"headers": {"x-a": {}}}]);
        }
        let (proxy, fate) = send(&document, headers);
        assert_eq!(fate.client(), ORIGINAL, "{document}");
        assert_eq!(fate.upstream, Some(headers.iter().copied().collect()), "{document}");
        assert_eq!((fate.time, metric(&proxy, "errors_total")), (ms(0), 0), "{document}");
        let keys = proxy.shared_keys();
        let is_dry_run = document.get("dryRun").is_some();
        assert!(keys.iter().all(|key| !is_dry_run || !key.ends_with(".active")), "{keys:?}");
    }
}

#[test]
fn counts_a_dry_run_without_a_slot() {
    let fault = json!({"delay": {"fixedDelay": "1s"}, "abort": {"httpStatus": 503}});
    let (proxy, fate) = send(&with(always(fault), "dryRun", json!(true)), &[]);
    let expected = ["aborts_total", "delays_total", "dry_run_total"];
    let counted: Vec<_> = proxy.metrics().into_iter().filter(|(_, value)| *value == 1).collect();
    assert_eq!(counted.len(), expected.len(), "{counted:?}");
    assert!(expected.iter().all(|name| metric(&proxy, name) == 1), "{counted:?}");
    assert!(fate.stream.property("weir.fault").unwrap().starts_with(b"dry_run;"));
    assert_eq!((slots(&proxy), metric(&proxy, "active")), (0, 0));
}

#[test]
fn counts_faults_by_entry_if_labels_are_set() {
    let document = always(json!({"abort": {"httpStatus": 503}}));
    let (proxy, _) = send(&with(document, "metrics", json!({"labels": true})), &[]);
    assert_eq!(metric(&proxy, "aborts_total.rule=.=x;.;"), 1);
    assert_eq!(metric(&proxy, "aborts_total"), 0);
}

#[test]
fn counts_requests_without_a_key() {
    let mut document = always(json!({"abort": {"httpStatus": 503}}));
    document["http"][0]["consistentHash"] = json!({"httpHeaderName": "x-user"});
    for (headers, unkeyed) in [(&[][..], 1), (&[("x-user", "a")], 0)] {
        let (proxy, _) = send(&document, headers);
        assert_eq!((metric(&proxy, "unkeyed_total"), metric(&proxy, "aborts_total")), (unkeyed, 1));
    }
}
