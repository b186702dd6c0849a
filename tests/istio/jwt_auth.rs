//! jwt-auth as a WasmPlugin.

use anyhow::{Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    client::{Request, Response},
    upstream::Received,
};

use crate::{Scenario, mesh::Mesh};

mod changes;
mod istio;
mod keys;
mod requests;

/// The folder, image and WasmPlugin of the filter.
const FILTER: &str = "jwt-auth";
/// The header in which the application gets the claim `sub`.
const USER: &str = "x-user";
/// What the samples' tokens are made for.
const AUDIENCE: &str = "orders.example.com";

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("the agent pulls the image of jwt-auth", requests::agent_pulls_image),
    ("jwt-auth decides on every kind of token", requests::decides),
    ("jwt-auth demands a token where its rules say so", requests::demands_token),
    ("jwt-auth hands over the identity and nobody else does", requests::hands_over_identity),
    ("a changed pluginConfig costs no request", changes::costs_no_request),
    ("a bad pluginConfig is refused and the last good one stays", changes::keeps_last_good),
    ("a wrong sha256 denies every request", changes::wrong_digest_denies),
    ("an unreachable registry denies every request", changes::unreachable_registry_denies),
    ("AuthorizationPolicy decides on what jwt-auth wrote", istio::authorization_policy),
    ("jwt-auth reads a RequestAuthentication as Istio does", istio::request_authentication),
    ("jwt-auth fetches keys through a ServiceEntry", keys::through_a_service_entry),
];

/// The `jwtRules` of the tests, with the keys in the document.
pub(crate) fn jwt_rules(mesh: &Mesh) -> Value {
    json!([{
        "issuer": mesh.idp().issuer(),
        "audiences": [AUDIENCE],
        "jwks": mesh.idp().keys().jwks().to_string(),
        "outputClaimToHeaders": [{"header": USER, "claim": "sub"}],
    }])
}

/// A good token with the claims of `changes` in place of the usual ones.
fn token(mesh: &Mesh, changes: &Value) -> Result<String> {
    let mut claims = mesh.idp().claims();
    if let (Some(claims), Some(changes)) = (claims.as_object_mut(), changes.as_object()) {
        claims.extend(changes.clone());
    }
    mesh.idp().token(Algorithm::RS256, &claims)
}

/// A good token of `user`.
pub(crate) fn token_of(mesh: &Mesh, user: &str) -> Result<String> {
    token(mesh, &json!({"sub": user}))
}

/// Puts the filter with `config` in front of the application and waits until it checks tokens.
pub(crate) fn protect(mesh: &Mesh, config: &Value) -> Result<()> {
    mesh.apply_plugin(FILTER, config)?;
    let request = Request::get("/").bearer("not-a-token");
    mesh.wait_for("checking tokens", &request, |answer| answer.status == 401)?;
    Ok(())
}

/// The values of header `name` that reached the application, when it answered.
fn received(answer: &Response, name: &str) -> Result<Vec<String>> {
    ensure!(answer.status == 200, "not the application's answer: {answer:?}");
    let request = Received::from_response(answer)?;
    Ok(request.header(name).into_iter().map(str::to_owned).collect())
}
