//! Policies about tokens that jwt-auth has verified.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request, identity_provider::IdentityProvider};

use super::{Fixture, filter, policy, to_paths};

#[test]
fn claims_of_verified_tokens_decide() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let on = |path: &str, when: Value| {
        let mut rules = to_paths(&[path]);
        rules[0]["when"] = json!([when]);
        policy(path.trim_start_matches('/'), "ALLOW", rules)
    };
    let claim = |name: &str, value: &str| json!({"key": format!("request.auth.claims{name}"), "values": [value]});
    let mut principal = to_paths(&["/principal"]);
    principal[0]["from"] =
        json!([{"source": {"requestPrincipals": [format!("{}/*", issuer.issuer())]}}]);
    let config = json!({"policies": [
        policy("principal", "ALLOW", principal),
        on("/groups", claim("[groups]", "dev")),
        on("/scope", claim("[scope]", "write")),
        on("/nested", claim("[org][unit]", "a.b")),
        on("/staff", claim("[staff]", "true")),
        on("/audience", json!({"key": "request.auth.audiences", "values": ["orders.example.com"]})),
        on("/range", json!({"key": "request.auth.claims[level]",
            "match": {"range": {"from": 5, "to": 6}}})),
    ]});
    let jwks = issuer.keys().jwks().to_string();
    let tokens = json!({"jwtRules": [{"issuer": issuer.issuer(), "jwks": jwks}]});
    let mut fixture = Fixture::start_chain(vec![Filter::new("jwt-auth", tokens), filter(&config)])?;
    let token = |changes: Value| {
        let mut claims = issuer.claims();
        if let (Some(claims), Value::Object(mut changes)) = (claims.as_object_mut(), changes) {
            claims.append(&mut changes);
        }
        issuer.token(Algorithm::ES256, &claims)
    };
    let good =
        token(json!({"groups": ["ops", "dev"], "scope": "read write", "level": 5, "staff": true,
        "org": {"unit": "a.b"}, "aud": ["other", "orders.example.com"]}))?;
    let other = token(json!({"groups": ["developers"], "scope": "readwrite", "org": "a.b",
        "aud": "orders"}))?;
    let paths = ["/principal", "/groups", "/scope", "/nested", "/audience", "/range", "/staff"];
    for (bearer, allowed) in [(Some(&good), 6), (Some(&other), 1), (None, 0)] {
        for (index, path) in paths.iter().enumerate() {
            let mut request = Request::get(path);
            if let Some(token) = bearer {
                request = request.bearer(token);
            }
            // Claims come only from verified tokens.
            request = request.header("weir.jwt", r#"{"claims":{"groups":["dev"]}}"#);
            let status = fixture.envoy.http1().send(request)?.status;
            // A boolean against a text is unsure.
            assert_eq!(status, if index < allowed { 200 } else { 403 }, "{path} {bearer:?}");
        }
    }
    let forged = format!("{good}x");
    assert_eq!(fixture.envoy.http1().send(Request::get("/groups").bearer(&forged))?.status, 401);
    fixture.wait_for(&[("allowed_total", 7), ("unsure_total", 1), ("errors_total", 0)])?;
    fixture.assert_no_trap()
}
