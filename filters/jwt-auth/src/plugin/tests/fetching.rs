//! Fetches of keys.

use filter_host::memory::Proxy;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    CLUSTER, GOOD, SECOND, TICK, Worker, fate, fate_of, fetching, good_token, keys, send, serve,
    serve_status, start, start_with_keys,
};
use crate::{
    algorithm::Algorithm,
    testing::{self, with},
};

/// Returns the headers of the only call.
fn sent(proxy: &Proxy) -> Vec<String> {
    let calls = proxy.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let text = |(name, value): (&[u8], &[u8])| {
        format!("{}: {}", name.escape_ascii(), value.escape_ascii())
    };
    calls[0].1.headers.iter().map(text).collect()
}

fn answer(worker: &mut Worker, headers: &[(&str, &str)], body: &[u8]) {
    let calls = worker.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    worker.answer(calls[0], headers, body);
}

#[test]
fn fetches_after_100_ms_and_again_before_the_keys_are_stale() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    worker.advance(TICK * 4);
    assert!(worker.calls().is_empty());
    worker.advance(TICK);
    let expected = [
        ":method: GET",
        ":scheme: https",
        ":authority: idp.example.com",
        ":path: /keys",
        "accept: application/jwk-set+json, application/json, */*;q=0.1",
        concat!("user-agent: weir-jwt-auth/", env!("CARGO_PKG_VERSION")),
    ];
    assert_eq!(sent(&proxy), expected);
    assert_eq!(proxy.calls()[0].1.timeout, SECOND * 5);
    serve(&proxy, &mut worker);
    proxy.pass(SECOND * 241);
    worker.tick();
    assert_eq!(sent(&proxy).last().unwrap(), r#"if-none-match: \"1\""#);
    serve_status(&mut worker, "304");
    proxy.pass(SECOND * 120);
    worker.tick();
    assert!(worker.calls().is_empty());
    assert_eq!(fate_of(&mut worker, &good_token()), GOOD);
}

#[test]
fn sends_the_configured_headers_and_does_not_log_them() {
    let proxy = Proxy::new();
    proxy.set_variable("KEY", "hidden");
    let headers = json!([{"name": "x-api-key", "valueEnv": "KEY"}]);
    let mut worker = start(&proxy, &fetching(json!({"headers": headers})));
    worker.advance(SECOND);
    assert_eq!(sent(&proxy).last().unwrap(), "x-api-key: hidden");
    serve_status(&mut worker, "500");
    assert!(proxy.log(0).iter().chain(&proxy.shared_keys()).all(|line| !line.contains("hidden")));
}

#[test]
fn unusable_answers_are_failures() {
    let too_large = vec![b' '; 256 * 1024 + 1];
    let status = |status| vec![(":status", status)];
    let no_keys = "the answer is not a JSON key set with 1 to 100 usable keys";
    let cases = [
        (Vec::new(), &b""[..], "no answer was received"),
        (status("500"), b"{}", "the answer has status 500"),
        (status("304"), b"", "the answer has status 304"),
        (status("200"), &too_large, "the answer is too large"),
        (status("200"), b"<html>", no_keys),
        (status("200"), b"{\"keys\": []}", no_keys),
    ];
    for (headers, body, error) in cases {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &fetching(json!({})));
        let waiting = send(&mut worker, &good_token());
        worker.advance(TICK);
        answer(&mut worker, &headers, body);
        let line = format!(
            "key set of provider jwt-0: not fetched through cluster keys: {error}; none was \
             fetched before"
        );
        assert_eq!(proxy.log(3), [line]);
        assert_eq!(fate(&worker.stream(waiting)), "waits", "{error}");
        worker.advance(SECOND);
        serve(&proxy, &mut worker);
        assert_eq!(fate(&worker.stream(waiting)), GOOD, "{error}");
        drop(worker);
        assert_eq!(proxy.metric("weir_jwt_auth_jwks_fetch_failed_total"), 1);
    }
}

#[test]
fn the_largest_answer_is_read() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    worker.advance(SECOND);
    let mut body = keys().into_bytes();
    body.resize(256 * 1024, b' ');
    answer(&mut worker, &[(":status", "200")], &body);
    assert_eq!(fate_of(&mut worker, &good_token()), GOOD);
}

#[test]
fn recovers_when_a_missing_cluster_appears() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &fetching(json!({})));
    proxy.remove_cluster(CLUSTER);
    let waiting = send(&mut worker, &good_token());
    worker.advance(SECOND * 2);
    let log = proxy.log(3);
    assert!(log.len() == 1 && log[0].contains("the proxy has no such cluster"), "{log:?}");
    proxy.add_cluster(CLUSTER);
    worker.advance(SECOND * 2);
    serve(&proxy, &mut worker);
    assert_eq!(fate(&worker.stream(waiting)), GOOD);
}

#[test]
fn keeps_the_keys_while_the_server_fails() {
    let proxy = Proxy::new();
    let mut worker = start_with_keys(&proxy, &fetching(json!({"staleIfError": "1h"})));
    for (seconds, expected) in [(3_000, GOOD), (1_200, "503")] {
        proxy.pass(SECOND * seconds);
        worker.tick();
        serve_status(&mut worker, "500");
        // Without `exp`, so that only the keys expire.
        let claims = with(testing::claims(), "exp", Value::Null);
        let token = testing::token(Algorithm::EdDsa, &claims);
        let fate = fate_of(&mut worker, &token);
        assert!(fate.starts_with(expected), "{seconds}: {fate}");
    }
    let stale = ["although it is stale", "has expired now"];
    let log = proxy.log(3);
    assert!(log.len() == 2 && log.iter().zip(stale).all(|(line, end)| line.ends_with(end)));
}

#[test]
fn a_record_that_another_plugin_overwrites_keeps_the_keys_in_use() {
    let proxy = Proxy::new();
    let mut worker = start_with_keys(&proxy, &fetching(json!({})));
    for key in proxy.shared_keys() {
        for value in [&b""[..], b"\xff", &[0xff; 88], &[0; 88]] {
            proxy.set_shared(&key, value);
            worker.advance(SECOND);
            serve_status(&mut worker, "500");
            assert_eq!(fate_of(&mut worker, &good_token()), GOOD, "{key} {value:?}");
        }
    }
}
