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

/// The name of the filter, its image and its WasmPlugin.
const FILTER: &str = "jwt-auth";
/// The header for the claim `sub`.
const USER: &str = "x-user";
/// The audience of the tokens.
pub(crate) const AUDIENCE: &str = "orders.example.com";

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("the agent pulls the image of jwt-auth", requests::agent_pulls_image),
    ("jwt-auth decides on every kind of token", requests::decides),
    ("jwt-auth requires a token according to its rules", requests::requires_token),
    ("jwt-auth writes the identity and removes forged ones", requests::writes_identity),
    ("a changed pluginConfig fails no request", changes::fails_no_request),
    ("an invalid pluginConfig is rejected and the last valid one stays", changes::keeps_last_valid),
    ("a wrong sha256 denies every request", changes::wrong_digest_denies),
    ("an unreachable registry denies every request", changes::unreachable_registry_denies),
    ("an AuthorizationPolicy can use headers written by jwt-auth", istio::authorization_policy),
    ("jwt-auth interprets a RequestAuthentication as Istio does", istio::request_authentication),
    ("jwt-auth fetches keys through a ServiceEntry", keys::through_a_service_entry),
];

/// Returns the `jwtRules` of the tests, with inline keys.
pub(crate) fn jwt_rules(mesh: &Mesh) -> Value {
    json!([{
        "issuer": mesh.idp().issuer(),
        "audiences": [AUDIENCE],
        "jwks": mesh.idp().keys().jwks().to_string(),
        "outputClaimToHeaders": [{"header": USER, "claim": "sub"}],
    }])
}

/// Returns a valid token with some claims changed.
pub(crate) fn token(mesh: &Mesh, changes: &Value) -> Result<String> {
    let mut claims = mesh.idp().claims();
    if let (Some(claims), Some(changes)) = (claims.as_object_mut(), changes.as_object()) {
        claims.extend(changes.clone());
    }
    mesh.idp().token(Algorithm::RS256, &claims)
}

/// Returns a valid token of `user`.
pub(crate) fn token_of(mesh: &Mesh, user: &str) -> Result<String> {
    token(mesh, &json!({"sub": user}))
}

/// Applies the filter with `config` at the gateway and waits until it checks tokens.
pub(crate) fn protect(mesh: &Mesh, config: &Value) -> Result<()> {
    mesh.apply_plugin(FILTER, config)?;
    let request = Request::get("/").bearer("not-a-token");
    mesh.wait_for("checking tokens", &request, |response| response.status == 401)?;
    Ok(())
}

/// Returns the values of the header `name` that the application received.
fn received(response: &Response, name: &str) -> Result<Vec<String>> {
    ensure!(response.status == 200, "not a response of the application: {response:?}");
    let request = Received::from_response(response)?;
    Ok(request.header(name).into_iter().map(str::to_owned).collect())
}
