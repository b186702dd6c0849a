//! The shipped document at the gateway, behind jwt-auth.

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::{Value, json};
use tests::{
    client::{Request, Response},
    process::wait_until,
    upstream::REPLY_STATUS,
};

use super::{FILTER, document, is_active, statuses};
use crate::{
    jwt_auth,
    mesh::{Image, Mesh},
};

/// Requests that each user has at first.
pub(super) const REQUESTS: usize = 3;
/// Failed logins that an address has in the shipped document.
const LOGINS: usize = 5;

/// Sends a request through the gateway and returns the status.
pub(super) fn send(mesh: &Mesh, request: Request) -> Result<u16> {
    Ok(mesh.send(request)?.status)
}

/// Applies the document with this image, and waits until every worker uses it.
pub(super) fn apply(mesh: &Mesh, image: &Image, requests: usize, probe: u16) -> Result<()> {
    mesh.apply_plugin_of(FILTER, image, &document(requests, probe)?)?;
    wait_until("limiting", super::TIMEOUT, || is_active(|request| send(mesh, request), probe))
}

/// Returns a request with a token of `user`.
pub(super) fn request_of(mesh: &Mesh, user: &str) -> Result<Request> {
    Ok(Request::get("/orders").bearer(&jwt_auth::token_of(mesh, user)?))
}

/// Returns a request without a token.
fn request_from(address: &str) -> Request {
    Request::get("/orders").header("x-forwarded-for", address)
}

/// Fails unless `count` requests are admitted and further ones are refused.
pub(super) fn check_admitted(mesh: &Mesh, request: &Request, count: usize) -> Result<()> {
    let found = statuses(|request| send(mesh, request), request, count.saturating_add(2))?;
    let admitted = found.iter().take_while(|status| **status == 200).count();
    ensure!(admitted == count, "expected {count} admitted requests: {found:?}: {request:?}");
    ensure!(found.ends_with(&[429, 429]), "{found:?}: {request:?}");
    Ok(())
}

/// Users and addresses without a token have separate counts, and a refusal has all its outputs.
pub(super) fn shipped_document(mesh: &Mesh) -> Result<()> {
    jwt_auth::protect(mesh, &json!({"jwtRules": jwt_auth::jwt_rules(mesh)}))?;
    apply(mesh, mesh.image(FILTER)?, REQUESTS, 471)?;
    runs_between_jwt_auth_and_the_router(mesh)?;
    // jwt-auth refuses bad tokens first, so they do not count for their address.
    let bad = request_from("203.0.113.7").bearer("not-a-token");
    let found = statuses(|request| send(mesh, request), &bad, 5)?;
    ensure!(found == [401; 5], "with a bad token: {found:?}");
    for request in
        [request_from("203.0.113.7"), request_from("198.51.100.7"), request_of(mesh, "alice")?]
    {
        check_admitted(mesh, &request, REQUESTS)?;
    }
    // The claim is the key, not the address, which has used all its requests.
    check_admitted(
        mesh,
        &request_of(mesh, "bob")?.header("x-forwarded-for", "203.0.113.7"),
        REQUESTS,
    )?;
    let mark = mesh.log_mark();
    check_refusal(&mesh.send(request_of(mesh, "alice")?)?)?;
    let line = mesh.wait_for_log(mark, "weir_rate_limit_denied{user}")?;
    ensure!(line.contains(" 429 ") && line.contains(" limit=user;retry_ms="), "{line}");
    exempts_probes_and_counts_failed_logins(mesh)
}

/// Reads the order of the filters from the listener.
fn runs_between_jwt_auth_and_the_router(mesh: &Mesh) -> Result<()> {
    let names = mesh.http_filters()?;
    let index = |text: &str| names.iter().position(|name| name.contains(text)).context("missing");
    let order = [".jwt-auth-", ".rate-limit-", "envoy.filters.http.router"];
    let found: Vec<_> = order.into_iter().map(index).collect::<Result<_>>()?;
    ensure!(found.is_sorted(), "{order:?} are at {found:?} of {names:?}");
    Ok(())
}

/// Fails unless this is the documented refusal of a user.
fn check_refusal(response: &Response) -> Result<()> {
    ensure!(response.status == 429, "{response:?}");
    let seconds = response.header("retry-after").context("no retry-after")?.parse::<usize>()?;
    // A unit comes back every 20 minutes.
    ensure!((1_000..=1_200).contains(&seconds), "{response:?}");
    for (name, value) in [
        ("x-envoy-ratelimited", "true".to_owned()),
        ("ratelimit-policy", format!("\"user\";q={REQUESTS};w=3600")),
        ("ratelimit", format!("\"user\";r=0;t={seconds}")),
        ("content-type", "application/problem+json".to_owned()),
    ] {
        ensure!(response.header(name) == Some(&*value), "{name} is not {value}: {response:?}");
    }
    let problem = response.json()?;
    let code = problem.get("code").and_then(Value::as_str);
    ensure!(code == Some("RATE_LIMITED"), "{problem}");
    Ok(())
}

/// The other entries of the shipped document apply to a user without requests.
fn exempts_probes_and_counts_failed_logins(mesh: &Mesh) -> Result<()> {
    let login = |status: &str| {
        let request = Request::new(Method::POST, "/login").header(REPLY_STATUS, status);
        request.header("x-forwarded-for", "203.0.113.7")
    };
    let healthz = Request::get("/healthz").header("x-forwarded-for", "203.0.113.7");
    for (request, count, status) in
        [(healthz, 3, 200), (login("200"), 6, 200), (login("401"), LOGINS, 401)]
    {
        let found = statuses(|request| send(mesh, request), &request, count)?;
        ensure!(found == vec![status; count], "{found:?}: {request:?}");
    }
    let refused = send(mesh, login("200"))?;
    ensure!(refused == 429, "after {LOGINS} failed logins: {refused}");
    Ok(())
}
