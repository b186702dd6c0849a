//! Requests to key servers, and the forms of their responses.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    client::Request,
    identity_provider::{DENY_LIST_PATH, IdentityProvider},
};

use super::{
    assert_no_trap,
    key_fetching::{fetching, send, start},
    with,
};

#[test]
fn sends_accept_and_user_agent() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.require_headers(&[
        ("accept", "application/jwk-set+json"),
        ("accept", "application/json"),
        ("accept", "*/*"),
        ("user-agent", "weir-jwt-auth/"),
    ]);
    let uri = format!("{}{DENY_LIST_PATH}", issuer.issuer());
    let rule = json!({
        "issuer": issuer.issuer(),
        "jwksFetch": {"cluster": "keys"},
        "revocation": {"uri": uri, "cluster": "keys"},
    });
    let mut fixture = start(1, issuer, json!({"jwtRules": [rule]}))?;
    let claims = with(fixture.issuer.claims(), "jti", json!("1"));
    let token = fixture.issuer.token(Algorithm::ES256, &claims)?;
    let response = fixture.envoy.http1().send(Request::get("/").bearer(&token))?;
    assert_eq!(response.status, 200, "{}\n{}", response.text(), fixture.envoy.log());
    assert_no_trap(&mut fixture.envoy)
}

/// Returns the issuer's key set with irregularities that are common among key servers.
fn irregular_key_set(issuer: &IdentityProvider) -> Value {
    let of = |algorithm, members: &[(&str, Value)]| {
        let jwk = issuer.keys().jwk(algorithm).clone();
        members.iter().fold(jwk, |jwk, (name, value)| with(jwk, name, value.clone()))
    };
    let member = |algorithm, name: &str| {
        let value = issuer.keys().jwk(algorithm).get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    // `AAAA` encodes three zero bytes.
    let longer = format!("AAAA{}", member(Algorithm::ES256, "y"));
    let padded = format!("{}==", member(Algorithm::RS256, "n"));
    json!({"keys": [
        of(Algorithm::RS256, &[("n", json!(padded)), ("key_ops", json!([]))]),
        of(Algorithm::ES256, &[("y", json!(longer)), ("use", json!("jwt-svid"))]),
        of(Algorithm::ES384, &[("kid", json!(7)), ("use", json!(""))]),
        of(Algorithm::EdDSA, &[("key_ops", json!(["sign"])), ("use", json!("SIG"))]),
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "AAAA"},
    ]})
}

#[test]
fn fetches_an_irregular_key_set_with_an_api_key() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.publish(irregular_key_set(&issuer));
    issuer.require_headers(&[("x-api-key", "hidden"), ("user-agent", "mine/1")]);
    let headers = json!([
        {"name": "x-api-key", "value": "hidden"},
        {"name": "user-agent", "value": "mine/1"},
    ]);
    let config = fetching(&issuer, &[("headers", headers)]);
    let mut fixture = start(1, issuer, config)?;
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let response = send(&fixture, algorithm)?;
        assert_eq!(
            response.status,
            200,
            "{algorithm:?}: {}\n{}",
            response.text(),
            fixture.envoy.log()
        );
    }
    let header = json!({"alg": "ES384", "kid": "7"}).to_string();
    let claims = fixture.issuer.claims().to_string();
    let token = fixture.issuer.token_of(Algorithm::ES384, &header, &claims)?;
    assert_eq!(fixture.envoy.http1().send(Request::get("/").bearer(&token))?.status, 200);
    assert!(!fixture.envoy.log().contains("hidden"), "{}", fixture.envoy.log());
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn accepts_certificates_by_kid() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.publish(issuer.keys().certificates());
    let config = fetching(&issuer, &[]);
    let mut fixture = start(1, issuer, config)?;
    let response = send(&fixture, Algorithm::RS256)?;
    assert_eq!(response.status, 200, "{}\n{}", response.text(), fixture.envoy.log());
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn accepts_a_key_set_of_any_content_type() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    issuer.set_response_headers(&[("content-type", "text/plain"), ("cache-control", "no-store")]);
    let config = fetching(&issuer, &[]);
    let mut fixture = start(1, issuer, config)?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    assert_no_trap(&mut fixture.envoy)
}
