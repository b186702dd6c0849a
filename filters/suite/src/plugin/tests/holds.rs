//! Streams that a filter holds, and the filters after it.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn delayed() -> Value {
    let delay = json!({"percentage": {"value": 100}, "fixedDelay": "100ms"});
    with(document(), "fault-injection", json!({"http": [{"fault": {"delay": delay}}]}))
}

/// A document whose keys are fetched, so that requests wait for them.
fn fetched() -> Value {
    let mut document = delayed();
    let rule = json!({"issuer": "joe", "jwksUri": "https://idp.example.com/keys",
        "jwksFetch": {"cluster": "keys"}});
    document["jwt-auth"]["jwtRules"] = json!([rule]);
    document
}

const KEYS: &[u8] = br#"{"keys": [{"kty": "EC", "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

#[test]
fn a_request_held_by_the_last_filter_resumes_once() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &delayed());
    let stream = request(&mut worker);
    assert!(worker.stream(stream).is_request_paused);
    assert_eq!(worker.stream(stream).request_header("x-weir-tag").as_deref(), Some("v2"));
    worker.advance(Duration::from_millis(110));
    let state = worker.stream(stream);
    assert!(state.is_forwarded());
    assert_eq!(state.resumptions, [1, 0]);
    worker.advance(Duration::from_secs(5));
    assert_eq!(worker.end(stream).resumptions, [1, 0]);
    worker.advance(Duration::from_secs(5));
    assert_eq!(worker.tick_period(), None, "nothing waits");
}

#[test]
fn a_request_held_by_the_first_filter_passes_the_others_afterwards() {
    let proxy = Proxy::new();
    proxy.add_cluster("keys");
    let mut worker = start(&proxy, &fetched());
    let stream = request(&mut worker);
    assert!(worker.stream(stream).is_request_paused);
    assert_eq!(worker.stream(stream).request_header("x-weir-tag"), None);
    worker.advance(Duration::from_millis(200));
    let [call] = worker.calls()[..] else { panic!("one fetch") };
    worker.answer(call, &[(":status", "200")], KEYS);
    let state = worker.stream(stream);
    assert_eq!(state.request_header("x-weir-tag").as_deref(), Some("v2"));
    assert!(state.is_request_paused, "fault-injection delays it");
    worker.advance(Duration::from_millis(110));
    let state = worker.stream(stream);
    assert!(state.is_forwarded());
    assert_eq!(state.resumptions, [1, 0]);
}

#[test]
fn a_client_that_leaves_while_held_is_not_resumed() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &delayed());
    let stream = request(&mut worker);
    assert_eq!(worker.leave(stream).resumptions, [0, 0]);
    worker.advance(Duration::from_secs(5));
    assert_eq!(proxy.log(4), Vec::<String>::new());
    assert_eq!(proxy.metric("weir_fault_injection_active"), 0);
}

#[test]
fn a_held_body_is_counted_once_and_ends_when_it_is_released() {
    let rate = json!({"percentage": {"value": 100}, "fixedLimit": {"limitKbps": 1}});
    let fault = json!({"http": [{"fault": {"responseRateLimit": rate}}]});
    let proxy = Proxy::new();
    let document = with(document(), "fault-injection", fault);
    let mut worker = start(&proxy, &document);
    let stream = request(&mut worker);
    worker.response_headers(stream, &[(":status", "200")], false);
    assert_eq!(worker.response_body(stream, &[b'x'; 2048], true), Action::Pause);
    worker.advance(Duration::from_secs(10));
    let state = worker.end(stream);
    assert_eq!(state.resumptions, [0, 1]);
    assert_eq!(state.response_body.len(), 2048);
    worker.advance(Duration::from_secs(5));
    let sizes = proxy.histograms().into_iter();
    let sizes: Vec<_> =
        sizes.filter(|(name, _)| name.starts_with("weir_telemetry_response_bytes")).collect();
    assert_eq!(sizes.len(), 1);
    assert_eq!(sizes[0].1, [2048]);
}

#[test]
fn a_refused_resumption_is_tried_again_without_running_the_filters_twice() {
    let resume = resume_index(&delayed());
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &delayed());
    let stream = request(&mut worker);
    worker.advance(Duration::from_millis(99));
    proxy.clear_trace();
    proxy.fail(resume, filter_host::HostError::InternalFailure);
    worker.advance(Duration::from_secs(5));
    assert!(worker.stream(stream).is_forwarded());
    assert_eq!(worker.stream(stream).resumptions, [1, 0]);
}

/// Returns the number of host calls that a tick makes before it resumes the request.
fn resume_index(document: &Value) -> usize {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    request(&mut worker);
    worker.advance(Duration::from_millis(99));
    proxy.clear_trace();
    worker.advance(Duration::from_millis(20));
    proxy.trace().iter().position(|call| call.name == "resume").unwrap()
}

#[test]
fn a_held_request_that_got_a_response_reaches_no_other_filter() {
    let proxy = Proxy::new();
    proxy.add_cluster("keys");
    let mut worker = start(&proxy, &fetched());
    let stream = request(&mut worker);
    worker.advance(Duration::from_millis(200));
    // A timeout of the proxy.
    worker.response_headers(stream, &[(":status", "504")], true);
    let [call] = worker.calls()[..] else { panic!("one fetch") };
    worker.answer(call, &[(":status", "200")], KEYS);
    assert_eq!(worker.end(stream).request_header("x-weir-tag"), None);
    assert_eq!(proxy.metric("weir_fault_injection_active"), 0);
}
