//! The identity published to other filters and the access log.

use anyhow::{Context, Result};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{client::Request, identity_provider::IdentityProvider};

use super::{Rig, trusting, with};

/// Sends a request and returns the identity in the access log.
fn published(rig: &mut Rig, token: Option<&str>) -> Result<Value> {
    let request = Request::get("/");
    let request = token.map_or(request.clone(), |token| request.bearer(token));
    rig.envoy.http1().send(request)?;
    let log = rig.envoy.wait_for_access_log(1)?;
    Ok(log.first().context("no access log")?["identity"].clone())
}

fn start(config: impl FnOnce(&IdentityProvider) -> Value) -> Result<(Rig, String)> {
    let rig = Rig::start(config)?;
    let token = rig.issuer.token(Algorithm::ES256, &rig.issuer.claims())?;
    Ok((rig, token))
}

#[test]
fn a_verified_identity_is_published() -> Result<()> {
    let (mut rig, token) = start(trusting)?;
    let issuer = rig.issuer.issuer();
    let text = published(&mut rig, Some(&token))?;
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
fn an_operator_may_keep_the_claims_back() -> Result<()> {
    let publish = |word| move |issuer: &IdentityProvider| with(trusting(issuer), "publish", word);
    let (mut rig, token) = start(publish(json!("IDENTITY")))?;
    let text = published(&mut rig, Some(&token))?;
    let identity: Value = serde_json::from_str(text.as_str().context("no identity")?)?;
    assert_eq!(identity["sub"], "alice");
    assert_eq!(identity.get("claims"), None);
    let (mut rig, token) = start(publish(json!("NONE")))?;
    assert_eq!(published(&mut rig, Some(&token))?, Value::Null);
    Ok(())
}

#[test]
fn nobody_is_published_without_a_good_token() -> Result<()> {
    let (mut rig, _) = start(trusting)?;
    assert_eq!(published(&mut rig, None)?, Value::Null);
    let (mut rig, token) = start(trusting)?;
    let changed = format!("{}A", token.get(1..).unwrap_or_default());
    assert_eq!(published(&mut rig, Some(&changed))?, Value::Null);
    Ok(())
}
