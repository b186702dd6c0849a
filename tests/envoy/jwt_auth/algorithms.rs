//! All signature algorithms, verified by the host or in the module.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{client::Request, identity_provider::IdentityProvider};

use super::{Fixture, trusting, trusting_and};

#[test]
fn admits_every_asymmetric_algorithm() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        let token = fixture.issuer.token(algorithm, &fixture.issuer.claims())?;
        let response = fixture.envoy.http1().send(Request::get("/orders").bearer(&token))?;
        assert_eq!(response.status, 200, "{algorithm:?}: {}", response.text());
    }
    Ok(())
}

#[test]
fn admits_a_shared_secret_of_each_length() -> Result<()> {
    let fixture = Fixture::start(trusting_secret)?;
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let token = fixture.issuer.token(algorithm, &fixture.issuer.claims())?;
        let response = fixture.envoy.http1().send(Request::get("/orders").bearer(&token))?;
        assert_eq!(response.status, 200, "{algorithm:?}: {}", response.text());
    }
    Ok(())
}

#[test]
fn refuses_a_changed_signature_of_every_algorithm() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    for algorithm in
        [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]
    {
        let token = fixture.issuer.token(algorithm, &fixture.issuer.claims())?;
        let other = fixture.issuer.token(algorithm, &json!({"iss": fixture.issuer.issuer()}))?;
        let response =
            fixture.envoy.http1().send(Request::get("/").bearer(&swap(&token, &other)))?;
        assert_eq!(response.status, 401, "{algorithm:?}");
        assert!(response.text().contains("Jwt verification fails"), "{}", response.text());
    }
    assert_eq!(fixture.app.count(), 0);
    Ok(())
}

/// Returns the token with the signature of another one.
fn swap(token: &str, other: &str) -> String {
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    let signature = other.rsplit_once('.').map_or("", |(_, signature)| signature);
    format!("{signed}.{signature}")
}

fn trusting_secret(issuer: &IdentityProvider) -> Value {
    let secret = issuer.keys().secret_jwks().to_string();
    let allowed = json!(["HS256", "HS384", "HS512"]);
    trusting_and(issuer, &[("jwks", json!(secret)), ("algorithms", allowed)])
}
