mod failures;
mod outcome;
mod scenarios;

use filter_host::memory::{Proxy, Worker};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::AccessControl;

fn start(proxy: &Proxy, document: &Value) -> Worker<AccessControl> {
    let document = document.to_string();
    proxy.worker(&document).unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn denied(action: &str, path: &str) -> Value {
    json!({"policies": [{"name": "a", "action": action, "rules": [
        {"to": [{"operation": {"paths": [path]}}]},
    ]}]})
}

#[test]
fn a_denied_request_gets_a_reply() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &denied("DENY", "/admin"));
    let stream = worker.request(&[(":method", "GET"), (":path", "/admin")]);
    let outcome = worker.end(stream);
    let reply = outcome.reply.expect("a reply");
    assert_eq!(
        (reply.status, reply.details.as_str()),
        (403, "weir_access_control_denied{a.rule-0}")
    );
    let stream = worker.request(&[(":method", "GET"), (":path", "/")]);
    assert!(worker.end(stream).is_forwarded());
}

#[test]
fn a_dry_run_forwards_the_request() {
    let mut document = denied("DENY", "/admin");
    document["dryRun"] = json!(true);
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document);
    let stream = worker.request(&[(":method", "GET"), (":path", "/admin")]);
    assert!(worker.end(stream).is_forwarded());
    proxy.pass(std::time::Duration::from_secs(1));
    worker.tick();
    assert_eq!(proxy.metric("weir_access_control_denied_total"), 1);
    assert_eq!(proxy.metric("weir_access_control_not_enforced_total"), 1);
}
