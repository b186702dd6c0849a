//! Rules that select which requests need a token.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    client::{Client, Request},
    identity_provider::IdentityProvider,
};

use super::{Fixture, trusting, with};

/// Returns rules: health checks are open, refunds need a scope, all below `/orders` needs a token.
fn guarded(issuer: &IdentityProvider) -> Value {
    let rules = json!([
        {"name": "health", "match": [{"uri": {"exact": "/healthz"}}], "token": "NONE"},
        {
            "name": "refunds",
            "match": [{"pathTemplate": "/orders/{id}/refund", "method": {"exact": "POST"}}],
            "scopes": {"all": ["orders.write"]},
        },
        {"name": "orders", "match": [{"uri": {"prefix": "/orders"}}]},
    ]);
    with(trusting(issuer), "rules", rules)
}

/// Sends a request and returns its status with the challenge.
fn send(client: &Client, request: Request) -> Result<(u16, String)> {
    let response = client.send(request)?;
    let challenge = response.header("www-authenticate").unwrap_or_default().to_owned();
    Ok((response.status, challenge))
}

#[test]
fn an_empty_rule_requires_a_token_for_every_request() -> Result<()> {
    let fixture = Fixture::start(|issuer| with(trusting(issuer), "rules", json!([{}])))?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let (status, challenge) = send(&client, Request::get("/orders"))?;
        assert_eq!(status, 401);
        assert_eq!(challenge, "Bearer realm=\"http://app.example.com/orders\"");
        assert_eq!(send(&client, Request::get("/orders").bearer(&token))?.0, 200);
    }
    let call = fixture.envoy.http2().send(Request::grpc("/orders.v1.Orders/List"))?;
    assert!(call.is_trailers_only(), "{call:?}");
    assert_eq!(call.grpc_status(), Some("16"));
    assert_eq!(call.header("grpc-message"), Some("Jwt is missing"));
    assert_eq!(fixture.app.count(), 2);
    Ok(())
}

#[test]
fn first_matching_rule_decides() -> Result<()> {
    let fixture = Fixture::start(guarded)?;
    let client = fixture.envoy.http1();
    let plain = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let writer = with(fixture.issuer.claims(), "scope", json!("orders.read orders.write"));
    let writer = fixture.issuer.token(Algorithm::ES256, &writer)?;
    let refund = || Request::new(hyper::Method::POST, "/orders/7/refund?reason=late");

    assert_eq!(send(&client, Request::get("/healthz").bearer("a.b.c"))?.0, 200);
    assert_eq!(send(&client, Request::get("/orders/7"))?.0, 401);
    assert_eq!(send(&client, Request::get("/orders/7").bearer(&plain))?.0, 200);
    let (status, challenge) = send(&client, refund().bearer(&plain))?;
    assert_eq!(status, 403);
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"orders.write\""), "{challenge}");
    assert_eq!(send(&client, refund().bearer(&writer))?.0, 200);
    assert_eq!(send(&client, Request::get("/elsewhere").bearer(&writer))?.0, 403);
    Ok(())
}

#[test]
fn no_path_spelling_bypasses_a_rule() -> Result<()> {
    let fixture = Fixture::start(guarded)?;
    for path in [
        "/healthz/../orders/7",
        "/healthz/%2e%2e/orders/7",
        "/healthz%2f..%2forders/7",
        "/healthz;/orders/7",
        "//orders/7",
        "/./orders/7",
        "/healthz\\..\\orders",
        "/HEALTHZ",
        "/healthz/",
        "/healthz%00",
    ] {
        let line = format!("GET {path} HTTP/1.1\r\nhost: app\r\nconnection: close\r\n\r\n");
        let response = fixture.envoy.http1().raw(line.as_bytes())?;
        let response = String::from_utf8_lossy(&response).into_owned();
        assert!(response.starts_with("HTTP/1.1 4"), "{path}: {response}");
    }
    assert_eq!(fixture.app.count(), 0, "{:?}", fixture.app.received());
    Ok(())
}
