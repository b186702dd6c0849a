//! The identity published to other filters and the access log.

use anyhow::{Context, Result};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{client::Request, identity_provider::IdentityProvider};

use super::{Fixture, publishing, trusting, with};

/// Sends a request and returns the identity in the access log.
fn published(fixture: &mut Fixture, token: Option<&str>) -> Result<Value> {
    let request = Request::get("/");
    let request = token.map_or(request.clone(), |token| request.bearer(token));
    fixture.envoy.http1().send(request)?;
    let log = fixture.envoy.wait_for_access_log(1)?;
    Ok(log.first().context("no access log")?["identity"].clone())
}

fn start(config: impl FnOnce(&IdentityProvider) -> Value) -> Result<(Fixture, String)> {
    let fixture = Fixture::start(config)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    Ok((fixture, token))
}

#[test]
fn publishes_a_verified_identity() -> Result<()> {
    let (mut fixture, token) = start(|issuer| publishing(trusting(issuer)))?;
    let issuer = fixture.issuer.issuer();
    let text = published(&mut fixture, Some(&token))?;
    let identity: Value = serde_json::from_str(text.as_str().context("no identity")?)?;
    assert_eq!(identity["v"], 1);
    assert_eq!(identity["iss"], json!(issuer));
    assert_eq!(identity["sub"], "alice");
    assert_eq!(identity["principal"], json!(format!("{issuer}/alice")));
    assert_eq!(identity["aud"], json!(["orders.example.com"]));
    assert_eq!(identity["claims"]["sub"], "alice");
    Ok(())
}

#[test]
fn publish_setting_limits_the_published_identity() -> Result<()> {
    let publish = |word| move |issuer: &IdentityProvider| with(trusting(issuer), "publish", word);
    let (mut fixture, token) = start(publish(json!("IDENTITY")))?;
    let text = published(&mut fixture, Some(&token))?;
    let identity: Value = serde_json::from_str(text.as_str().context("no identity")?)?;
    assert_eq!(identity["sub"], "alice");
    assert_eq!(identity.get("claims"), None);
    let (mut fixture, token) = start(publish(json!("NONE")))?;
    assert_eq!(published(&mut fixture, Some(&token))?, Value::Null);
    Ok(())
}

#[test]
fn publishes_nothing_without_a_valid_token() -> Result<()> {
    let (mut fixture, _) = start(trusting)?;
    assert_eq!(published(&mut fixture, None)?, Value::Null);
    let (mut fixture, token) = start(trusting)?;
    let changed = format!("{}A", token.get(1..).unwrap_or_default());
    assert_eq!(published(&mut fixture, Some(&changed))?, Value::Null);
    Ok(())
}
