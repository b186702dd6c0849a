//! Requests for documents: destinations and headers.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// A worker with configured headers.
fn worker_with(origin: Origin, headers: &[(&str, &str)]) -> Source {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let headers = FetchHeaders::new(headers.collect());
    let mut spec = Rc::try_unwrap(spec(origin)).unwrap();
    spec.fetch.headers = headers;
    Source::new(Rc::new(spec), Crypto::pure())
}

#[test]
fn sends_accept_and_user_agent() {
    let agent = format!("weir-jwt-auth/{}", env!("CARGO_PKG_VERSION"));
    for (origin, path) in
        [(at_url(), "/keys"), (by_discovery(), "/.well-known/openid-configuration")]
    {
        let (mut shared, mut source) = (Shared::default(), worker(origin));
        shared.tick(&mut source, START);
        let headers = Headers::from_iter(shared.calls[0].headers());
        for (name, value) in [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", "idp.example.com"),
            (":path", path),
            ("accept", "application/jwk-set+json, application/json, */*;q=0.1"),
            ("user-agent", &agent),
        ] {
            assert_eq!(headers.first(name), Some(value.as_bytes()), "{name}");
        }
        assert_eq!(headers.first("if-none-match"), None);
    }
}

#[test]
fn sends_configured_headers_only_to_the_configured_host() {
    let own = [("x-api-key", "hidden"), ("user-agent", "mine/1")];
    for (uri, sent) in [
        ("https://idp.example.com/certs", true),
        ("https://idp.example.com:8443/certs", false),
        ("https://www.example.net/certs", false),
    ] {
        let (mut shared, mut source) = (Shared::default(), worker_with(by_discovery(), &own));
        shared.tick(&mut source, START);
        let document = serde_json::json!({"issuer": testing::ISSUER, "jwks_uri": uri});
        shared.answer(&mut source, &[(":status", "200")], &document.to_string(), START);
        for (call, sent) in shared.calls.iter().zip([true, sent]) {
            let headers = Headers::from_iter(call.headers());
            let key = headers.first("x-api-key");
            assert_eq!(key, sent.then_some("hidden".as_bytes()), "{}", call.authority);
            let agents = call.headers().iter().filter(|(name, _)| *name == "user-agent").count();
            assert_eq!(agents, 1, "{}", call.authority);
            assert!(!format!("{call:?}").contains("hidden"));
        }
        assert!(!format!("{source:?} {:?}", shared.lines).contains("hidden"));
    }
}

#[test]
fn slots_depend_on_the_request_headers() {
    let slot =
        |headers: &[(&str, &str)]| worker_with(at_url(), headers).spec().slot(Slot::Document);
    assert_eq!(slot(&[]), worker(at_url()).spec().slot(Slot::Document));
    assert_eq!(slot(&[("x-tenant", "a")]), slot(&[("x-tenant", "a")]));
    assert_ne!(slot(&[("x-tenant", "a")]), slot(&[("x-tenant", "b")]));
    assert_ne!(slot(&[("x-tenant", "a")]), slot(&[]));
    assert!(!slot(&[("x-api-key", "hidden")]).contains("hidden"));
}

#[test]
fn fetches_keys_from_the_discovered_url() {
    let (mut shared, mut source) = (Shared::default(), worker(by_discovery()));
    shared.tick(&mut source, START);
    assert_eq!(shared.calls[0].path, "/.well-known/openid-configuration");
    let document = serde_json::json!({
        "issuer": testing::ISSUER, "jwks_uri": "https://www.example.net:8443/certs",
    });
    shared.answer(&mut source, &[(":status", "200")], &document.to_string(), START);
    let call = &shared.calls[1];
    assert_eq!((&*call.cluster, &*call.path), ("outbound|8443||www.example.net", "/certs"));
    shared.answer(&mut source, &[(":status", "200")], &keys(Algorithm::Es256), START);
    assert!(is_ready(&source, START));

    let mut other = worker(by_discovery());
    let mut now = shared.control.next_fetch;
    for failures in 0..4 {
        shared.tick(&mut other, now);
        let path = &*shared.calls.last().unwrap().path;
        let again = failures == 3;
        assert_eq!(path == "/certs", !again, "after {failures} failures: {path}");
        shared.answer(&mut other, &[(":status", "500")], "", now);
        now = shared.control.next_fetch;
    }
}

#[test]
fn refuses_discovery_documents_of_other_issuers() {
    for (issuer, uri, reason) in [
        ("https://evil.example.com", "https://idp.example.com/certs", "of another issuer"),
        (testing::ISSUER, "http://idp.example.com/certs", "cannot be used"),
        (testing::ISSUER, "/certs", "cannot be used"),
    ] {
        let (mut shared, mut source) = (Shared::default(), worker(by_discovery()));
        shared.tick(&mut source, START);
        let document = serde_json::json!({"issuer": issuer, "jwks_uri": uri}).to_string();
        shared.answer(&mut source, &[(":status", "200")], &document, START);
        assert_eq!(shared.calls.len(), 1, "{uri}");
        assert!(shared.lines[0].contains(reason), "{:?}", shared.lines);
    }
}
