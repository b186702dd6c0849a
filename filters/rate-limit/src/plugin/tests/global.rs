//! Limits that a rate-limit service counts.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    grpc,
    protobuf::{bytes, message, varint},
};
use filter_host::memory::Proxy;
use serde_json::json;

use super::{Limiter, admitted, flush, limited, metric, start, with};

#[test]
fn a_limit_that_is_not_enforced_refuses_nothing_while_the_service_is_down() {
    for (percent, passed, metrics) in [(0, 5, (5, 5, 0)), (100, 0, (0, 0, 5))] {
        let proxy = Proxy::new();
        let limit = json!({"scope": "GLOBAL", "enforced": {"value": percent}});
        let service = json!({"cluster": "none", "domain": "shop", "failureMode": "DENY"});
        let mut worker = start(&proxy, with(limited(limit), "rateLimitService", service));
        assert_eq!(admitted(&mut worker, &[], 5), passed);
        flush(&proxy, &mut worker);
        let found =
            ["allowed_total", "dry_run_total", "denied_total"].map(|name| metric(&proxy, name));
        assert_eq!(<(u64, u64, u64)>::from(found), metrics);
    }
}

/// Returns the body of an answer that refuses with these headers.
fn refusal(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut answer = Vec::new();
    varint(1, 2, &mut answer);
    for (name, value) in headers {
        message(3, &mut answer, |out| {
            bytes(1, name.as_bytes(), out);
            bytes(2, value.as_bytes(), out);
        });
    }
    [&grpc::prefix(answer.len()), &*answer].concat()
}

#[test]
fn headers_of_the_service_replace_those_of_the_filter() {
    let sent = [("retry-after", "9"), ("content-type", "a/b"), ("x-a", "1"), ("x-a", "2")];
    for (content_type, kept) in
        [("a/b", &sent[..]), ("application/grpc", &[sent[0], sent[2], sent[3]])]
    {
        let proxy = Proxy::new();
        proxy.add_cluster("limits");
        let service = json!({"cluster": "limits", "domain": "shop", "mode": "EXACT"});
        let document = with(limited(json!({"scope": "GLOBAL"})), "rateLimitService", service);
        let mut worker: Limiter = start(&proxy, document);
        let stream = worker.request(&[(":method", "POST"), ("content-type", content_type)]);
        let call = worker.calls()[0];
        worker.answer(call, &[(":status", "200"), ("grpc-status", "0")], &refusal(&sent));
        let reply = worker.end(stream).reply.unwrap();
        let found = reply.headers.only(|name| sent.iter().any(|(sent, _)| name == sent.as_bytes()));
        assert_eq!(found, kept.iter().copied().collect(), "{content_type}");
    }
}
