//! Audit lines with redacted values.

use filter_host::memory::Proxy;
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
