//! Fetched deny lists.

use filter_host::memory::Proxy;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{CLUSTER, GOOD, SECOND, TICK, fate, good_token, send, serve, serve_status, start};
use crate::{
    algorithm::Algorithm,
    testing::{self, ISSUER, with},
};

/// A configuration with a deny list.
fn denying(fields: Value) -> Value {
    let revocation = json!({"uri": format!("{ISSUER}/denied"), "cluster": CLUSTER});
    let fields = fields.as_object().unwrap().clone().into_iter();
    let revocation = fields.fold(revocation, |all, (name, value)| with(all, &name, value));
    let rule = testing::rule(json!({
        "revocation": revocation,
        "outputClaimToHeaders": [{"header": "x-user", "claim": "sub"}],
    }));
    json!({"jwtRules": [rule]})
}

#[test]
fn waits_for_the_deny_list_and_refuses_its_tokens() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &denying(json!({})));
    let token = |id| testing::token(Algorithm::EdDsa, &with(testing::claims(), "jti", json!(id)));
    let [fine, revoked] = ["fine", "revoked"].map(|id| send(&mut worker, &token(id)));
    worker.advance(TICK);
    assert_eq!(fate(&worker.stream(fine)), "waits");
    serve(&proxy, &mut worker);
    assert_eq!(fate(&worker.stream(fine)), GOOD);
    assert_eq!(fate(&worker.stream(revoked)), "401 weir_jwt_auth_denied{revoked}");
    drop(worker);
    assert_eq!(proxy.metric("weir_jwt_auth_jwks_fetch_success_total"), 0);
}

#[test]
fn a_missing_deny_list_refuses_or_admits_as_configured() {
    for (on_unavailable, expected) in
        [("DENY", "503 weir_jwt_auth_denied{revocation_unavailable}"), ("ALLOW", GOOD)]
    {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, &denying(json!({"onUnavailable": on_unavailable})));
        let stream = send(&mut worker, &good_token());
        worker.advance(TICK * 5);
        serve_status(&mut worker, "500");
        worker.advance(SECOND * 6);
        assert_eq!(fate(&worker.stream(stream)), expected);
        drop(worker);
        assert!(proxy.metric("weir_jwt_auth_revocation_fetch_failed_total") >= 1);
    }
}
