//! Requests that are decided at once.

use filter_host::{HostError, headers::Map, memory::Proxy};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{GOOD, SECOND, expired_token, fate_of, good_token, send, send_with, start};
use crate::{
    algorithm::Algorithm,
    testing::{self, with},
};

/// A configuration with keys.
fn document() -> Value {
    let outputs = json!([{"header": "x-user", "claim": "sub"}]);
    json!({"jwtRules": [testing::rule(json!({"outputClaimToHeaders": outputs}))]})
}

#[test]
fn counts_at_the_next_tick() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    assert_eq!(fate_of(&mut worker, &good_token()), GOOD);
    fate_of(&mut worker, &expired_token());
    let allowed = || proxy.metric("weir_jwt_auth_allowed_total");
    assert_eq!(allowed(), 0);
    worker.advance(SECOND);
    assert_eq!((allowed(), proxy.metric("weir_jwt_auth_denied_expired_total")), (1, 1));
    worker.advance(SECOND);
    assert_eq!(worker.tick_period(), None);
    fate_of(&mut worker, &good_token());
    drop(worker);
    assert_eq!(allowed(), 2);
}

#[test]
fn a_denial_has_a_challenge_and_no_edits() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    let context = send(&mut worker, &expired_token());
    let stream = worker.stream(context);
    let reply = stream.reply.as_ref().unwrap();
    let body = String::from_utf8_lossy(&reply.body);
    assert!(reply.status == 401 && body.contains(r#""detail":"Jwt is expired""#), "{body}");
    let challenge = stream.response_header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer realm=\"https://app.example.com/\""), "{challenge}");
    assert_eq!(stream.request_header("x-user").as_deref(), Some("forged"));
}

#[test]
fn publishes_the_identity_unless_it_is_turned_off() {
    for (publish, expected) in [
        (Value::Null, Some(true)),
        (json!("NONE"), None),
        (json!("IDENTITY"), Some(false)),
        (json!("CLAIMS"), Some(true)),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &with(document(), "publish", publish.clone()));
        let context = send(&mut worker, &good_token());
        let stream = worker.stream(context);
        let identity = stream.property("weir.jwt").map(|json| String::from_utf8_lossy(json));
        let has_claims = identity.map(|identity| identity.contains("\"claims\""));
        assert_eq!(has_claims, expected, "{publish}");
    }
}

#[test]
fn removes_own_headers_from_trailers() {
    let forged = [("x-user", "forged"), ("x-jwt-signature-verified", "true"), ("x-other", "kept")];
    for (dry_run, expected) in [(false, 1), (true, 3)] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &with(document(), "dryRun", json!(dry_run)));
        let context = send(&mut worker, &good_token());
        worker.request_trailers(context, &forged);
        let stream = worker.stream(context);
        assert!(stream.is_forwarded());
        assert_eq!(stream.map(Map::RequestTrailers).iter().count(), expected, "{dry_run}");
    }
}

#[test]
fn resets_a_request_that_cannot_be_answered() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    let context = send(&mut worker, &good_token());
    // Neither the trailers can be read nor a reply sent.
    let next = proxy.trace().len();
    proxy.fail(next, HostError::InternalFailure);
    proxy.fail(next + 1, HostError::InternalFailure);
    worker.request_trailers(context, &[("x-user", "forged")]);
    let stream = worker.stream(context);
    assert!(stream.reset.is_some() && !stream.is_forwarded(), "{stream:?}");
    worker.end(context);
}

#[test]
fn ignores_what_other_filters_answered() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    let context = send_with(&mut worker, &[]);
    worker.respond(context, 404);
    worker.end(context);
    worker.advance(SECOND);
    assert_eq!(proxy.metric("weir_jwt_auth_allowed_without_token_total"), 1);
    assert_eq!(proxy.log(4), [""; 0]);
}

#[test]
fn reads_the_clock_for_every_token() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    let token = testing::token(Algorithm::EdDsa, &testing::claims());
    assert_eq!(fate_of(&mut worker, &token), GOOD);
    // `exp` and the clock skew.
    proxy.pass(SECOND * 661);
    assert_eq!(fate_of(&mut worker, &token), "401 weir_jwt_auth_denied{expired}");
}
