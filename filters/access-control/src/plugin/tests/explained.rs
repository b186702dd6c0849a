//! Explanations in responses.

use filter_host::memory::Proxy;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{denied, start};

const ASKED: (&str, &str) = ("x-weir-explain", "1");

fn document(action: &str) -> Value {
    let mut document = denied(action, "/admin");
    document["explain"] = json!([{"claims": {"role": {"exact": "operator"}}}]);
    document
}

/// Returns the explanations in the response to a request for `/admin`.
fn explanations(proxy: &Proxy, document: &Value, headers: &[(&str, &str)]) -> Vec<String> {
    let mut worker = start(proxy, document);
    let usual = [(":method", "GET"), (":path", "/admin")];
    let headers: Vec<_> = usual.iter().chain(headers).copied().collect();
    let stream = worker.request(&headers);
    if worker.stream(stream).is_forwarded() {
        worker.respond(stream, 200);
    }
    let state = worker.end(stream);
    let reply = state.reply.as_ref().map(|reply| reply.headers.clone());
    let headers = reply.unwrap_or_else(|| state.response());
    let found = headers.iter().filter(|(name, _)| *name == b"x-weir-explain");
    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

#[test]
fn a_permitted_client_gets_one_explanation() {
    for (action, expected) in
        [("DENY", "decision=deny;by=a.rule-0"), ("ALLOW", "decision=allow;by=a.rule-0")]
    {
        let proxy = Proxy::new();
        assert!(explanations(&proxy, &document(action), &[ASKED]).is_empty());
        proxy.set_property("weir.jwt", br#"{"claims": {"role": "user"}}"#);
        assert!(explanations(&proxy, &document(action), &[ASKED]).is_empty());
        proxy.set_property("weir.jwt", br#"{"claims": {"role": "operator"}}"#);
        assert!(explanations(&proxy, &document(action), &[]).is_empty());
        assert_eq!(explanations(&proxy, &document(action), &[ASKED]), [expected]);
    }
}

#[test]
fn claims_are_read_only_if_an_explanation_is_requested() {
    let proxy = Proxy::new();
    for (headers, is_read) in [(&[][..], false), (&[ASKED][..], true)] {
        let mut worker = start(&proxy, &document("DENY"));
        proxy.clear_trace();
        let usual = [(":method", "GET"), (":path", "/admin")];
        let stream = worker.request(&usual.iter().chain(headers).copied().collect::<Vec<_>>());
        let is_property = |call: &filter_host::memory::HostCall| call.name == "property";
        assert_eq!(proxy.trace().iter().any(is_property), is_read);
        worker.end(stream);
    }
}
