//! What becomes of requests while the document changes.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    client::{Request, Response},
    ports::{self, loopback},
};

use super::{FILTER, USER, jwt_rules, protect, received, token_of};
use crate::{
    load::{Load, Seen},
    mesh::{Image, Mesh},
    say,
};

/// How many answers of each configuration make a steady load.
const STEADY: usize = 500;
/// The header that only the new configuration writes.
const PERSON: &str = "x-person";

/// Every request of a steady load is answered by the old configuration or by the new one.
pub(super) fn costs_no_request(mesh: &Mesh) -> Result<()> {
    let mut rules = jwt_rules(mesh);
    protect(mesh, &json!({"jwtRules": rules}))?;
    let request = Request::get("/").bearer(&token_of(mesh, "alice")?);
    let load = Load::start(mesh.client(), &request, judge);
    load.wait_until("a steady load", |tally| tally.before >= STEADY)?;
    if let Some(headers) = rules.pointer_mut("/0/outputClaimToHeaders") {
        *headers = json!([{"header": PERSON, "claim": "sub"}]);
    }
    mesh.apply_plugin(FILTER, &json!({"jwtRules": rules}))?;
    let applied = Instant::now();
    load.wait_until("the change", |tally| tally.after > 0)?;
    let delay = applied.elapsed();
    load.wait_until("a steady load after the change", |tally| tally.after >= STEADY)?;
    let tally = load.stop()?;
    let (before, after, failed) = (tally.before, tally.after, tally.failures.len());
    say(&format!(
        "{before} answers as before, {after} as changed {delay:.1?} later, {failed} failed"
    ));
    ensure!(failed == 0, "the first of {failed} failures: {:?}", tally.failures.first());
    Ok(())
}

/// Tells which configuration let a request through; anything else is a failure.
fn judge(answer: &Response) -> Option<Seen> {
    let holds = |name| received(answer, name).is_ok_and(|values| values == ["alice"]);
    match (holds(USER), holds(PERSON)) {
        (true, false) => Some(Seen::Before),
        (false, true) => Some(Seen::After),
        _ => None,
    }
}

/// The proxy says where the mistake is and serves on as before.
pub(super) fn keeps_last_good(mesh: &Mesh) -> Result<()> {
    let mut rules = jwt_rules(mesh);
    protect(mesh, &json!({"jwtRules": rules}))?;
    let mark = mesh.log_mark();
    if let Some(header) = rules.pointer_mut("/0/outputClaimToHeaders/0/header") {
        *header = json!("x user");
    }
    mesh.apply_plugin(FILTER, &json!({"jwtRules": rules}))?;
    say(&mesh.wait_for_log(mark, "jwtRules[0].outputClaimToHeaders[0].header")?);
    mesh.wait_for_log(mark, "rejected: Unable to create Wasm plugin")?;
    let bad = mesh.send(Request::get("/").bearer("not-a-token"))?;
    ensure!(bad.status == 401, "with a bad token: {bad:?}");
    let answer = mesh.send(Request::get("/").bearer(&token_of(mesh, "alice")?))?;
    ensure!(received(&answer, USER)? == ["alice"], "with a token: {answer:?}");
    Ok(())
}

/// An image that is not the one asked for is not run, and nothing passes in its place.
pub(super) fn wrong_digest_denies(mesh: &Mesh) -> Result<()> {
    let image = Image { sha256: "0".repeat(64), ..mesh.image(FILTER)?.clone() };
    denies(mesh, &image, "which does not match")
}

/// Without its image the filter lets nothing pass.
pub(super) fn unreachable_registry_denies(mesh: &Mesh) -> Result<()> {
    let nowhere = loopback(ports::free()?);
    let url = format!("oci://{nowhere}/weir/{FILTER}:test");
    denies(mesh, &Image { url, ..mesh.image(FILTER)?.clone() }, "could not fetch")
}

/// Expects that the agent says `reason` about `image` and that Istio denies a good token.
fn denies(mesh: &Mesh, image: &Image, reason: &str) -> Result<()> {
    let mark = mesh.log_mark();
    mesh.apply_plugin_of(FILTER, image, &json!({"jwtRules": jwt_rules(mesh)}))?;
    say(&mesh.wait_for_log(mark, reason)?);
    let request = Request::get("/").bearer(&token_of(mesh, "alice")?);
    let answer = mesh.wait_for("denying", &request, |answer| answer.status == 403)?;
    ensure!(answer.text() == "RBAC: access denied", "denied by another filter: {answer:?}");
    Ok(())
}
