//! Configurations and their changes.

use filter_host::memory::Proxy;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    GOOD, JwtAuth, SECOND, TICK, Worker, fate, fate_of, fetching, good_token, send, serve, start,
    start_with_keys,
};
use crate::testing::{self, ISSUER, with};

#[test]
fn reports_all_errors_with_their_paths() {
    let proxy = Proxy::new();
    for (document, paths) in [
        ("", &["jwtRules"][..]),
        ("{}", &["jwtRules"]),
        ("{", &["the configuration: must be JSON"]),
        (r#"{"jwtRules": [{"audiences": 7}], "publish": "ALL"}"#, &["jwtRules[0].audiences"]),
    ] {
        let refused = proxy.worker::<JwtAuth>(document).map(|_| ()).unwrap_err();
        assert!(paths.iter().all(|path| refused.contains(path)), "{document}: {refused}");
    }
}

#[test]
fn logs_warnings_with_their_paths() {
    let proxy = Proxy::new();
    start(&proxy, &json!({"jwtRules": [{"issuer": ISSUER}]}));
    assert_eq!(proxy.log(3), ["rules: without rules, requests without a token pass"]);
    assert!(
        proxy.log(2).contains(&"configuration applied; the proxy checks 0 algorithms".to_owned())
    );
}

#[test]
fn a_plugin_without_streams_and_ticks_counts_and_sends_nothing() {
    for document in [fetching(json!({})), json!({"jwtRules": [testing::rule(json!({}))]})] {
        let proxy = Proxy::new();
        drop(start(&proxy, &document));
        assert!(proxy.calls().is_empty());
        assert_eq!(proxy.metrics(), []);
    }
}

#[test]
fn the_next_configuration_has_the_keys_of_the_previous_one() {
    let proxy = Proxy::new();
    let old = start_with_keys(&proxy, &fetching(json!({})));
    let next = with(fetching(json!({"coldStart": "DENY"})), "publish", json!("IDENTITY"));
    let mut new: Worker = proxy.worker(&next.to_string()).unwrap();
    assert_eq!(fate_of(&mut new, &good_token()), GOOD);
    drop(old);
    new.advance(SECOND);
    assert!(new.calls().is_empty());
    assert_eq!(proxy.metric("weir_jwt_auth_jwks_fetch_success_total"), 1);
}

#[test]
fn the_previous_configuration_decides_its_waiting_requests() {
    let proxy = Proxy::new();
    let mut old = start(&proxy, &fetching(json!({})));
    let waiting = send(&mut old, &good_token());
    old.advance(TICK);
    // Other outputs, and no token is needed.
    let next = json!({"jwtRules": [testing::rule(json!({}))]});
    let mut new: Worker = proxy.worker(&next.to_string()).unwrap();
    assert!(fate_of(&mut new, &good_token()).starts_with("forwarded, identity, x-user forged"));
    serve(&proxy, &mut old);
    assert_eq!(fate(&old.stream(waiting)), GOOD);
    old.end(waiting);
    drop(old);
    new.advance(SECOND);
    assert_eq!(proxy.metric("weir_jwt_auth_allowed_total"), 2);
    assert_eq!(proxy.metric("weir_jwt_auth_held_requests"), 0);
}

#[test]
fn a_changed_issuer_does_not_get_the_keys_of_the_previous_one() {
    let proxy = Proxy::new();
    let _old = start_with_keys(&proxy, &fetching(json!({})));
    let mut next = fetching(json!({"coldStart": "DENY"}));
    next["jwtRules"][0]["jwksUri"] = json!("https://idp.example.com/other");
    let mut new: Worker = proxy.worker(&next.to_string()).unwrap();
    let refused = "503 weir_jwt_auth_denied{keys_unavailable,rule-0}";
    assert_eq!(fate_of(&mut new, &good_token()), refused);
}

#[test]
fn labels_have_provider_and_reason() {
    let proxy = Proxy::new();
    let document = with(fetching(json!({})), "metrics", json!({"labels": true}));
    let mut worker = start_with_keys(&proxy, &document);
    fate_of(&mut worker, "a.b.c");
    worker.advance(SECOND * 2);
    for name in [
        "weir_jwt_auth_denied_total.reason=.=bad_header;.;",
        "weir_jwt_auth_jwks_fetch_success_total.provider=.=jwt-0;.;",
        "weir_jwt_auth_jwks_age_seconds.provider=.=jwt-0;.;",
    ] {
        assert_ne!(proxy.metric(name), 0, "{name}: {:?}", proxy.metrics());
    }
}
