//! Audit lines with redacted values, and of requests that cannot be read.

use std::time::Duration;

use filter_host::{HostError, memory::Proxy};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{denied, start};

/// Returns the hash in the audit line of a request, which a new worker writes.
fn hash(proxy: &Proxy, document: &Value) -> String {
    let mut worker = start(proxy, document);
    let stream = worker.request(&[(":path", "/admin"), ("cookie", "secret=1")]);
    worker.end(stream);
    let lines = proxy.log(3);
    let line = lines.last().and_then(|line| line.split_once("audit ")).expect("a line").1;
    assert!(!line.contains("secret"), "{line}");
    let line: Value = serde_json::from_str(line).unwrap();
    line["session"].as_str().expect("a hash").to_owned()
}

#[test]
fn workers_share_the_key_of_hashes() {
    let mut document = denied("DENY", "/admin");
    document["audit"] = json!({"fields": [
        {"name": "session", "value": "%REQ(cookie)%", "redact": "HASH"},
    ]});
    let proxy = Proxy::new();
    let first = hash(&proxy, &document);
    assert_eq!(first.len(), 16);
    assert_eq!(hash(&proxy, &document), first);
    let mut keyed = document;
    keyed["audit"]["redaction"] = json!({"key": "0123456789abcdef"});
    assert_ne!(hash(&proxy, &keyed), first);
    assert_eq!(hash(&Proxy::new(), &keyed), hash(&proxy, &keyed));
}

/// Returns the audit line of a denied request, during which the host calls with these indices fail.
fn audited(proxy: &Proxy, document: &Value, failed: &[usize]) -> Value {
    let mut worker = start(proxy, document);
    let begin = proxy.trace().len();
    failed.iter().for_each(|index| proxy.fail(begin + index, HostError::InternalFailure));
    let stream = worker.request(&[(":method", "GET"), (":path", "/admin")]);
    assert!(!worker.end(stream).is_forwarded());
    let lines = proxy.log(3);
    let line = lines.last().and_then(|line| line.split_once("audit ")).expect("a line").1;
    serde_json::from_str(line).unwrap()
}

#[test]
fn the_line_of_an_unreadable_request_has_the_time() {
    let mut document = denied("DENY", "/admin");
    document["audit"] = json!({"fields": ["time", "decision", "method"]});
    let time = "2030-03-17T17:46:40.000Z";
    let shown = json!({"time": time, "decision": "DENY", "method": "GET"});
    let unreadable = json!({"time": time, "decision": "DENY"});
    // The first call reads the headers, and the second one the clock.
    for (failed, expected) in [
        (&[][..], shown),
        (&[0], unreadable.clone()),
        (&[1], unreadable),
        (&[0, 2], json!({"decision": "DENY"})),
        (&[1, 3], json!({"decision": "DENY"})),
    ] {
        let proxy = Proxy::new();
        proxy.set_now(Duration::from_secs(1_900_000_000));
        assert_eq!(audited(&proxy, &document, failed), expected, "{failed:?}");
    }
}
