//! Changes of the WasmPlugin.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    client::{Request, Response},
    ports::{self, loopback},
};

use super::{FILTER, USER, jwt_rules, protect, received, token_of};
use crate::{
    load::{Load, Revision},
    mesh::{Image, Mesh},
    report,
};

/// Number of responses of each configuration that make a steady load.
const STEADY: usize = 500;
/// The header that only the new configuration writes.
const PERSON: &str = "x-person";

/// Every request of a steady load is handled by the old or the new configuration.
pub(super) fn fails_no_request(mesh: &Mesh) -> Result<()> {
    let mut rules = jwt_rules(mesh);
    protect(mesh, &json!({"jwtRules": rules}))?;
    let request = Request::get("/").bearer(&token_of(mesh, "alice")?);
    let load = Load::start(mesh.client(), &request, classify);
    load.wait_until("sending a steady load", |counts| counts.before >= STEADY)?;
    if let Some(headers) = rules.pointer_mut("/0/outputClaimToHeaders") {
        *headers = json!([{"header": PERSON, "claim": "sub"}]);
    }
    mesh.apply_plugin(FILTER, &json!({"jwtRules": rules}))?;
    let applied = Instant::now();
    load.wait_until("applying the change", |counts| counts.after > 0)?;
    let delay = applied.elapsed();
    load.wait_until("sending a steady load after the change", |counts| counts.after >= STEADY)?;
    let counts = load.stop()?;
    let (before, after, failed) = (counts.before, counts.after, counts.failures.len());
    report(&format!(
        "{before} responses before the change, {after} after it, which took {delay:.1?}, {failed} failed"
    ));
    ensure!(failed == 0, "the first of {failed} failures: {:?}", counts.failures.first());
    Ok(())
}

/// Returns the configuration that admitted the request. `None` for any other response.
fn classify(response: &Response) -> Option<Revision> {
    let has_user = |name| received(response, name).is_ok_and(|values| values == ["alice"]);
    match (has_user(USER), has_user(PERSON)) {
        (true, false) => Some(Revision::Old),
        (false, true) => Some(Revision::New),
        _ => None,
    }
}

/// The proxy logs the path of the error and keeps the previous configuration.
pub(super) fn keeps_last_valid(mesh: &Mesh) -> Result<()> {
    let mut rules = jwt_rules(mesh);
    protect(mesh, &json!({"jwtRules": rules}))?;
    let mark = mesh.log_mark();
    if let Some(header) = rules.pointer_mut("/0/outputClaimToHeaders/0/header") {
        *header = json!("x user");
    }
    mesh.apply_plugin(FILTER, &json!({"jwtRules": rules}))?;
    report(&mesh.wait_for_log(mark, "jwtRules[0].outputClaimToHeaders[0].header")?);
    mesh.wait_for_log(mark, "rejected: Unable to create Wasm plugin")?;
    let bad = mesh.send(Request::get("/").bearer("not-a-token"))?;
    ensure!(bad.status == 401, "with a bad token: {bad:?}");
    let response = mesh.send(Request::get("/").bearer(&token_of(mesh, "alice")?))?;
    ensure!(received(&response, USER)? == ["alice"], "with a token: {response:?}");
    Ok(())
}

/// An image with another digest is not run, and Istio denies every request instead.
pub(super) fn wrong_digest_denies(mesh: &Mesh) -> Result<()> {
    let image = Image { sha256: "0".repeat(64), ..mesh.image(FILTER)?.clone() };
    denies(mesh, &image, "which does not match")
}

/// Without the image Istio denies every request.
pub(super) fn unreachable_registry_denies(mesh: &Mesh) -> Result<()> {
    let nowhere = loopback(ports::free()?);
    let url = format!("oci://{nowhere}/weir/{FILTER}:test");
    denies(mesh, &Image { url, ..mesh.image(FILTER)?.clone() }, "could not fetch")
}

/// Fails unless the agent logs `reason` for `image` and Istio denies a valid token.
fn denies(mesh: &Mesh, image: &Image, reason: &str) -> Result<()> {
    let mark = mesh.log_mark();
    mesh.apply_plugin_of(FILTER, image, &json!({"jwtRules": jwt_rules(mesh)}))?;
    report(&mesh.wait_for_log(mark, reason)?);
    let request = Request::get("/").bearer(&token_of(mesh, "alice")?);
    let response = mesh.wait_for("denying", &request, |response| response.status == 403)?;
    ensure!(response.text() == "RBAC: access denied", "denied by another filter: {response:?}");
    Ok(())
}
