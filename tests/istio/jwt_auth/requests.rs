//! Decisions on requests.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{client::Request, identity_provider::now};

use super::{FILTER, USER, jwt_rules, protect, received, token, token_of};
use crate::{mesh::Mesh, report};

/// The agent fetches the image and logs it.
pub(super) fn agent_pulls_image(mesh: &Mesh) -> Result<()> {
    let mark = mesh.log_mark();
    mesh.apply_plugin(FILTER, &json!({"jwtRules": jwt_rules(mesh)}))?;
    let applied = Instant::now();
    report(&mesh.wait_for_log(mark, "fetching image")?);
    let request = Request::get("/").bearer("not-a-token");
    mesh.wait_for("checking tokens", &request, |response| response.status == 401)?;
    report(&format!("the filter is active {:.1?} after it was applied", applied.elapsed()));
    Ok(())
}

/// Each kind of token gets the expected status.
pub(super) fn decides(mesh: &Mesh) -> Result<()> {
    protect(mesh, &json!({"jwtRules": jwt_rules(mesh)}))?;
    for (case, token, status) in tokens(mesh)? {
        let request = Request::get("/");
        let response = mesh.send(match &token {
            Some(token) => request.bearer(token),
            None => request,
        })?;
        ensure!(response.status == status, "{case}: expected {status}, got {response:?}");
        let challenge =
            response.header("www-authenticate").is_some_and(|v| v.starts_with("Bearer"));
        ensure!(challenge == (status != 200), "{case}: {response:?}");
    }
    Ok(())
}

/// Returns tokens with their names and expected status, which is the same for Istio and the filter.
pub(super) fn tokens(mesh: &Mesh) -> Result<Vec<(&'static str, Option<String>, u16)>> {
    let changed = |changes: &Value| token(mesh, changes).map(Some);
    let good = token_of(mesh, "alice")?;
    // A character in the middle of the signature, because the last one has unused bits.
    let cut = good.len().saturating_sub(100);
    let (head, tail) = good.split_at(cut);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}{other}{}", tail.get(1..).unwrap_or_default());
    Ok(vec![
        ("none", None, 200),
        ("valid", Some(good), 200),
        ("malformed", Some("not-a-token".to_owned()), 401),
        ("forged", Some(forged), 401),
        ("expired", changed(&json!({"exp": now().saturating_sub(600)}))?, 401),
        ("not yet valid", changed(&json!({"nbf": now().saturating_add(600)}))?, 401),
        ("of an unknown issuer", changed(&json!({"iss": "https://stranger.example.com"}))?, 401),
        ("for another audience", changed(&json!({"aud": "billing.example.com"}))?, 403),
    ])
}

/// The first matching rule decides whether a token is required.
pub(super) fn requires_token(mesh: &Mesh) -> Result<()> {
    let rules = json!([{"match": [{"uri": {"exact": "/healthz"}}], "token": "NONE"}, {}]);
    protect(mesh, &json!({"jwtRules": jwt_rules(mesh), "rules": rules}))?;
    let open = mesh.send(Request::get("/healthz"))?;
    ensure!(open.status == 200, "the open path: {open:?}");
    let closed = mesh.send(Request::get("/orders"))?;
    ensure!(closed.status == 401, "without a token: {closed:?}");
    let good = mesh.send(Request::get("/orders").bearer(&token_of(mesh, "alice")?))?;
    ensure!(good.status == 200, "with a token: {good:?}");
    Ok(())
}

/// The application receives the filter's headers and never the client's.
pub(super) fn writes_identity(mesh: &Mesh) -> Result<()> {
    protect(mesh, &json!({"jwtRules": jwt_rules(mesh)}))?;
    let forged = Request::get("/").header(USER, "root").header(USER, "admin");
    let response = mesh.send(forged.clone().bearer(&token_of(mesh, "alice")?))?;
    ensure!(received(&response, USER)? == ["alice"], "with a token: {response:?}");
    ensure!(
        received(&response, "authorization")?.is_empty(),
        "the token was forwarded: {response:?}"
    );
    let response = mesh.send(forged)?;
    ensure!(received(&response, USER)?.is_empty(), "without a token: {response:?}");
    Ok(())
}
