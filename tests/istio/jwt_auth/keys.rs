//! Keys fetched by the gateway from a service of the mesh.

use anyhow::{Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{client::Request, identity_provider::JWKS_PATH};

use super::{AUDIENCE, USER, protect, received, token_of};
use crate::{
    mesh::{Mesh, NAMESPACE},
    report,
};

/// The host of the key server in the mesh.
const HOST: &str = "keys.example.com";

/// Without its ServiceEntry the host is unknown and requests get 503. With it the keys are fetched,
/// and a key rotation causes one fetch.
pub(super) fn through_a_service_entry(mesh: &Mesh) -> Result<()> {
    let mark = mesh.log_mark();
    publish_only(mesh, Algorithm::RS256);
    protect(mesh, &json!({"jwtRules": [rule(mesh)]}))?;
    let request = Request::get("/").bearer(&token_of(mesh, "alice")?);
    let early = mesh.send(request.clone())?;
    ensure!(early.status == 503, "without keys: {early:?}");
    ensure!(early.text().contains("KEYS_UNAVAILABLE"), "without keys: {early:?}");
    report(&mesh.wait_for_log(mark, "ServiceEntry")?);
    mesh.apply(&service_entry(mesh).to_string())?;
    let fetched = mesh.idp().jwks_requests();
    let response = mesh.wait_for("fetching keys", &request, |response| response.status == 200)?;
    ensure!(received(&response, USER)? == ["alice"], "{response:?}");
    let fetches = mesh.idp().jwks_requests().saturating_sub(fetched);
    ensure!(fetches == 1, "{fetches} fetches");
    let bad = mesh.send(Request::get("/").bearer("not-a-token"))?;
    ensure!(bad.status == 401, "a bad token: {bad:?}");
    let fetched = mesh.idp().jwks_requests();
    publish_only(mesh, Algorithm::ES256);
    let rotated = mesh.idp().token(Algorithm::ES256, &mesh.idp().claims())?;
    let first = mesh.send(Request::get("/").bearer(&rotated))?;
    mesh.idp().publish(mesh.idp().keys().jwks());
    ensure!(first.status == 200, "a rotated key: {first:?}");
    let fetches = mesh.idp().jwks_requests().saturating_sub(fetched);
    ensure!(fetches == 1, "{fetches} fetches for a rotation");
    // Workers that did not fetch check for a new set once a second.
    mesh.wait_for("refusing a withdrawn key", &request, |response| response.status == 401)?;
    Ok(())
}

/// Publishes a key set of one key.
fn publish_only(mesh: &Mesh, algorithm: Algorithm) {
    mesh.idp().publish(json!({"keys": [mesh.idp().keys().jwk(algorithm)]}));
}

/// Returns a rule whose keys are at a host of the mesh, from which the cluster is derived.
fn rule(mesh: &Mesh) -> Value {
    json!({
        "issuer": mesh.idp().issuer(),
        "audiences": [AUDIENCE],
        "jwksUri": format!("http://{HOST}{JWKS_PATH}"),
        "jwksFetch": {"maxPause": "200ms"},
        "outputClaimToHeaders": [{"header": USER, "claim": "sub"}],
    })
}

fn service_entry(mesh: &Mesh) -> Value {
    let port = mesh.idp().address().port();
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "keys", "namespace": NAMESPACE},
        "spec": {
            "hosts": [HOST],
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": port}],
            "resolution": "STATIC",
            "endpoints": [{"address": "127.0.0.1"}],
        },
    })
}
