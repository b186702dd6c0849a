//! The filter together with Istio's own security documents.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::Request;

use super::{FILTER, USER, jwt_rules, protect, requests::tokens, token_of};
use crate::mesh::{Mesh, NAMESPACE};

/// Istio's authorization runs after the filter, so it can use headers written by the filter.
pub(super) fn authorization_policy(mesh: &Mesh) -> Result<()> {
    protect(mesh, &json!({"jwtRules": jwt_rules(mesh)}))?;
    let only_alice = json!({
        "action": "ALLOW",
        "rules": [{"when": [{"key": format!("request.headers[{USER}]"), "values": ["alice"]}]}],
    });
    mesh.apply(&security_document("AuthorizationPolicy", &only_alice))?;
    let bob = Request::get("/").bearer(&token_of(mesh, "bob")?);
    mesh.wait_for("denying bob", &bob, |response| response.status == 403)?;

    let alice = mesh.send(Request::get("/").bearer(&token_of(mesh, "alice")?))?;
    ensure!(alice.status == 200, "alice: {alice:?}");
    let forger = mesh.send(bob.header(USER, "alice"))?;
    ensure!(forger.status == 403, "bob as alice: {forger:?}");
    let anonymous = mesh.send(Request::get("/").header(USER, "alice"))?;
    ensure!(anonymous.status == 403, "an anonymous request as alice: {anonymous:?}");
    Ok(())
}

/// The same `jwtRules` give the same results in a RequestAuthentication and in a WasmPlugin.
pub(super) fn request_authentication(mesh: &Mesh) -> Result<()> {
    let bad = Request::get("/").bearer("not-a-token");
    let block = json!({"jwtRules": jwt_rules(mesh)});
    mesh.apply(&security_document("RequestAuthentication", &block))?;
    mesh.wait_for("checking tokens natively", &bad, |response| response.status == 401)?;
    let native = responses(mesh)?;
    mesh.clear()?;

    mesh.apply_plugin(FILTER, &block)?;
    mesh.wait_for("checking tokens", &bad, |response| response.status == 401)?;
    let ours = responses(mesh)?;
    ensure!(native == ours, "Istio: {native:#?}\njwt-auth: {ours:#?}");
    Ok(())
}

/// Returns the status and the received values of [`USER`] for every kind of token.
fn responses(mesh: &Mesh) -> Result<Vec<(&'static str, u16, Vec<String>)>> {
    let mut responses = Vec::new();
    for (case, token, _) in tokens(mesh)? {
        let request = Request::get("/").header(USER, "root");
        let response = mesh.send(match &token {
            Some(token) => request.bearer(token),
            None => request,
        })?;
        responses.push((
            case,
            response.status,
            super::received(&response, USER).unwrap_or_default(),
        ));
    }
    Ok(responses)
}

/// Returns a document of Istio's security API that applies to the gateway.
fn security_document(kind: &str, rest: &Value) -> String {
    let mut spec = json!({"selector": {"matchLabels": {"istio": "ingressgateway"}}});
    if let (Some(spec), Some(rest)) = (spec.as_object_mut(), rest.as_object()) {
        spec.extend(rest.clone());
    }
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": kind,
        "metadata": {"name": "test", "namespace": NAMESPACE},
        "spec": spec,
    })
    .to_string()
}
