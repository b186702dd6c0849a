//! The samples in the README work as described.

use anyhow::{Context, Result};
use hyper::Method;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    identity_provider::{IdentityProvider, now},
    repository,
    upstream::{Received, Upstream},
};

use super::{FILTER, Fixture, assert_no_trap, with};

/// Clusters of the samples' issuers, by Istio's naming or as configured.
const CLUSTERS: [&str; 2] = ["outbound|443||idp.example.com", "partner-idp"];

/// Starts Envoy with the README's sample at `index`.
fn start(index: usize) -> Result<Fixture> {
    let mut samples = repository::readme_samples(FILTER)?;
    let (app, issuer) = (Upstream::start()?, IdentityProvider::start()?);
    issuer.set_discovery_issuer("https://partner.example.org");
    let secret = "c2VjcmV0".repeat(12);
    let filter = Filter::new(FILTER, samples.remove(index));
    let filter = filter.environment("EDGE_JWT_SECRET", &secret);
    let address = issuer.address();
    let cluster = |name: &str| {
        json!({"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address":
                {"address": address.ip(), "port_value": address.port()}}}}]}]}})
    };
    let options = EnvoyOptions::new(app.address(), vec![filter]);
    let clusters = CLUSTERS.into_iter().map(cluster).collect();
    let envoy = Envoy::start(EnvoyOptions { concurrency: 2, clusters, ..options })?;
    Ok(Fixture { envoy, app, issuer })
}

/// Returns claims that pass every check of the rule `corp`.
fn claims() -> Value {
    json!({
        "iss": "https://idp.example.com", "sub": "user:alice", "aud": "orders.example.com",
        "exp": now().saturating_add(600), "jti": "1", "acr": "mfa", "auth_time": now(), "level": 4,
        "scope": "orders.write refunds", "realm": {"groups": ["support-eu"]},
    })
}

fn token(fixture: &Fixture, claims: &Value) -> Result<String> {
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "p256"});
    fixture.issuer.token_of(Algorithm::ES256, &header.to_string(), &claims.to_string())
}

fn status(fixture: &Fixture, request: Request) -> Result<u16> {
    Ok(fixture.envoy.http1().send(request)?.status)
}

#[test]
fn minimal_sample_refuses_only_invalid_tokens() -> Result<()> {
    let mut fixture = start(0)?;
    assert_eq!(status(&fixture, Request::get("/"))?, 200);
    assert_eq!(status(&fixture, Request::get("/").bearer(&token(&fixture, &claims())?))?, 200);
    let expired = token(&fixture, &with(claims(), "exp", json!(1)))?;
    assert_eq!(status(&fixture, Request::get("/").bearer(&expired))?, 401);
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn open_path_sample_protects_the_rest() -> Result<()> {
    let mut fixture = start(2)?;
    assert_eq!(status(&fixture, Request::get("/healthz"))?, 200);
    assert_eq!(status(&fixture, Request::get("/"))?, 401);
    assert_eq!(status(&fixture, Request::get("/").bearer(&token(&fixture, &claims())?))?, 200);
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn full_sample_decides_as_documented() -> Result<()> {
    let mut fixture = start(3)?;
    let good = token(&fixture, &claims())?;
    let with = |name, value| token(&fixture, &with(claims(), name, value));
    let refund = || Request::new(Method::POST, "/orders/7/refund");
    let blocked = with("sub", json!("user:blocked"))?;
    let partner = json!({"iss": "https://partner.example.org", "sub": "p", "iat": now()});
    let partner = token(&fixture, &partner)?;
    for (name, request, expected) in [
        ("an open path", Request::get("/healthz"), 200),
        ("no token where it is optional", Request::get("/catalogue/1"), 200),
        ("no token", Request::get("/orders"), 401),
        ("a good token", Request::get("/orders").bearer(&good), 200),
        (
            "in a cookie",
            Request::get("/orders").header("cookie", format!("session-token={good}")),
            200,
        ),
        ("a blocked principal", Request::get("/orders").bearer(&blocked), 403),
        ("another subject", Request::get("/orders").bearer(&with("sub", json!("bob"))?), 401),
        ("a listed id", Request::get("/orders").bearer(&with("jti", json!("4f2c"))?), 401),
        ("a refund", refund().bearer(&good), 200),
        ("no scope", refund().bearer(&with("scope", json!("refunds"))?), 403),
        ("a low level", refund().bearer(&with("level", json!(1))?), 403),
        ("a weak login", refund().bearer(&with("acr", json!("pwd"))?), 401),
        (
            "both tokens",
            Request::get("/exchange").bearer(&good).header("x-partner-jwt", &partner),
            200,
        ),
        ("one of two", Request::get("/exchange").bearer(&good), 401),
    ] {
        let response = fixture.envoy.http1().send(request)?;
        assert_eq!(
            response.status,
            expected,
            "{name}: {}\n{}",
            response.text(),
            fixture.envoy.log()
        );
    }
    let response = fixture.envoy.http1().send(Request::get("/orders").bearer(&good))?;
    let received = Received::from_response(&response)?;
    assert_eq!(received.header("x-user"), ["user:alice"]);
    assert_eq!(received.header("x-jwt-principal"), ["https://idp.example.com/user:alice"]);
    assert_eq!(received.header("x-tenant"), ["none"]);
    assert_eq!(received.header("x-groups"), ["support-eu"]);
    assert_eq!(received.header("x-jwt-payload"), [good.split('.').nth(1).context("no payload")?]);
    assert_eq!(received.header("authorization"), Vec::<&str>::new());
    assert_no_trap(&mut fixture.envoy)
}
