//! Headers that the application receives.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    client::{Client, Request},
    identity_provider::IdentityProvider,
    upstream::Received,
};

use super::{Fixture, trusting, trusting_and, with};

fn writing(issuer: &IdentityProvider) -> Value {
    let claims = json!([
        {"header": "x-user", "claim": "sub"},
        {"header": "x-admin", "claim": "admin"},
        {"header": "x-level", "claim": "realm.level"},
    ]);
    let payload = json!("x-jwt-payload");
    trusting_and(issuer, &[("outputPayloadToHeader", payload), ("outputClaimToHeaders", claims)])
}

fn claims(issuer: &IdentityProvider) -> Value {
    let claims = with(issuer.claims(), "admin", json!(true));
    with(claims, "realm", json!({"level": 7}))
}

fn received(client: &Client, request: Request) -> Result<Received> {
    let response = client.send(request)?;
    assert_eq!(response.status, 200, "{}", response.text());
    Received::from_response(&response)
}

#[test]
fn writes_claims_and_payload_over_both_protocols() -> Result<()> {
    let fixture = Fixture::start(writing)?;
    let token = fixture.issuer.token(Algorithm::ES256, &claims(&fixture.issuer))?;
    let payload = token.split('.').nth(1).unwrap_or_default();
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let received = received(&client, Request::get("/orders").bearer(&token))?;
        assert_eq!(received.header("x-user"), ["alice"]);
        assert_eq!(received.header("x-admin"), ["true"]);
        assert_eq!(received.header("x-level"), ["7"]);
        assert_eq!(received.header("x-jwt-payload"), [payload]);
    }
    Ok(())
}

#[test]
fn removes_output_headers_of_clients() -> Result<()> {
    let fixture = Fixture::start(writing)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let forged = |request: Request| {
        request
            .header("x-user", "root")
            .header("X-User", "second")
            .header("x-admin", "true")
            .header("x-jwt-payload", [0x66, 0xFF])
            .header("x-jwt-signature-verified", "true")
            .header("x-other", "kept")
    };
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let anonymous = received(&client, forged(Request::get("/")))?;
        for header in ["x-user", "x-admin", "x-jwt-payload", "x-jwt-signature-verified"] {
            assert!(anonymous.header(header).is_empty(), "{header} without a token");
        }
        assert_eq!(anonymous.header("x-other"), ["kept"]);
        let known = received(&client, forged(Request::get("/").bearer(&token)))?;
        assert_eq!(known.header("x-user"), ["alice"]);
        assert!(known.header("x-admin").is_empty(), "the token has no such claim");
    }
    Ok(())
}

#[test]
fn removes_the_token_from_its_location() -> Result<()> {
    let fixture = Fixture::start(|issuer| {
        let headers = json!([
            {"name": "authorization", "prefix": "Bearer "}, {"name": "x-token"},
        ]);
        let (parameters, cookies) = (json!(["t"]), json!(["session"]));
        let fields =
            [("fromHeaders", headers), ("fromParams", parameters), ("fromCookies", cookies)];
        trusting_and(issuer, &fields)
    })?;
    let token = fixture.issuer.token(Algorithm::EdDSA, &fixture.issuer.claims())?;
    let client = fixture.envoy.http1();

    let bearer = received(&client, Request::get("/a?b=c").bearer(&token))?;
    assert!(bearer.header("authorization").is_empty());
    assert_eq!(bearer.path, "/a?b=c");

    let header = received(&client, Request::get("/a").header("x-token", &token))?;
    assert!(header.header("x-token").is_empty());

    let query = received(&client, Request::get(&format!("/a?b=%41&t={token}&c=+")))?;
    assert_eq!(query.path, "/a?b=%41&c=+");
    let only = received(&client, Request::get(&format!("/a?t={token}")))?;
    assert_eq!(only.path, "/a");

    let cookies = format!("one=1; session={token}; two=2");
    let cookie = received(&client, Request::get("/a").header("cookie", &cookies))?;
    assert_eq!(cookie.header("cookie"), ["one=1; two=2"]);
    Ok(())
}

#[test]
fn forwards_the_original_token_unchanged() -> Result<()> {
    let forward =
        |issuer: &IdentityProvider| trusting_and(issuer, &[("forwardOriginalToken", json!(true))]);
    let fixture = Fixture::start(forward)?;
    let token = fixture.issuer.token(Algorithm::RS256, &fixture.issuer.claims())?;
    let received = received(&fixture.envoy.http1(), Request::get("/").bearer(&token))?;
    assert_eq!(received.header("authorization"), [format!("Bearer {token}")]);
    Ok(())
}

#[test]
fn leaves_other_credentials_unchanged() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    let basic = Request::get("/").header("authorization", "Basic dXNlcjpwYXNz");
    let received = received(&fixture.envoy.http1(), basic)?;
    assert_eq!(received.header("authorization"), ["Basic dXNlcjpwYXNz"]);
    Ok(())
}
