//! The shipped sample works as described.

use std::time::Instant;

use anyhow::{Context, Result};
use hyper::Method;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tests::{
    bootstrap::Filter,
    client::{Request, Response},
    identity_provider::IdentityProvider,
    load::{get, load},
    upstream::REPLY_STATUS,
};

use super::{FILTER, Fixture, requests::statuses};

#[test]
fn the_shipped_filter_limits_users_logins_and_not_probes() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwks = issuer.keys().jwks().to_string();
    let rules = json!({"jwtRules": [{"issuer": issuer.issuer(), "jwks": jwks}]});
    let chain = vec![Filter::new("jwt-auth", rules), Filter::shipped(FILTER)];
    let fixture = Fixture::start_chain(4, chain)?;
    let client = fixture.envoy.http1();
    // Only failed logins count: the sixth request is refused, and only from this address.
    let login = |address: &str, status: &str| {
        let login = Request::new(Method::POST, "/login").header(REPLY_STATUS, status);
        login.header("x-forwarded-for", address)
    };
    let logins = ["401", "200", "401", "401", "200", "401", "401", "401", "200"];
    let found = statuses(&client, logins.map(|status| login("10.0.0.1", status)))?;
    assert_eq!(found, [401, 200, 401, 401, 200, 401, 401, 429, 429]);
    assert_eq!(client.send(login("10.0.0.2", "200"))?.status, 200);
    assert_eq!(client.send(Request::get("/login"))?.status, 200, "not a POST");
    // Users have a count each, and others one by address.
    let token = |subject: &str| {
        let mut claims = issuer.claims();
        claims["sub"] = json!(subject);
        issuer.token(Algorithm::ES256, &claims)
    };
    let (alice, bob) = (token("alice")?, token("bob")?);
    let bearer = format!("Bearer {alice}");
    let clock = Instant::now();
    let responses = load(fixture.envoy.address(), 8, move |number| {
        (number < 90).then(|| get("/api", &[("authorization", &bearer)]))
    })?;
    let admitted = responses.iter().filter(|response| response.status == 200).count();
    // A burst of 60, and 10 in each second.
    let max = 60.0 + 10.0 * clock.elapsed().as_secs_f64();
    assert!(admitted >= 60 && admitted as f64 <= max, "{admitted} of at most {max}");
    let request = || client.send(Request::get("/api").bearer(&alice));
    let refused = (0..50).map(|_| request()).find(|sent| !is_admitted(sent));
    let refused = refused.context("no request is refused")??;
    assert_eq!(refused.status, 429);
    let policy = refused.header("ratelimit-policy").context("no policy")?;
    assert!(policy.contains(r#""user";q=600;w=60"#), "{policy}");
    assert_eq!(client.send(Request::get("/api").bearer(&bob))?.status, 200);
    assert_eq!(client.get("/api")?.status, 200);
    let probes =
        load(fixture.envoy.address(), 8, |number| (number < 200).then(|| get("/healthz", &[])))?;
    assert!(probes.iter().all(|response| response.status == 200), "probes are exempt");
    Ok(())
}

fn is_admitted(sent: &Result<Response>) -> bool {
    sent.as_ref().is_ok_and(|response| response.status == 200)
}
