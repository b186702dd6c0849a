//! The shipped sample and those of the README's quick start work as described.

use anyhow::{Context, Result};
use hyper::Method;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tests::{
    bootstrap::Filter, client::Request, identity_provider::IdentityProvider, process::read_text,
    repository,
};

use super::{FILTER, Fixture};

#[test]
fn the_shipped_filter_protects_two_paths() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwks = issuer.keys().jwks().to_string();
    let rules = json!({"jwtRules": [{"issuer": issuer.issuer(), "jwks": jwks}]});
    let chain = vec![Filter::new("jwt-auth", rules), Filter::shipped(FILTER)];
    let mut fixture = Fixture::start_chain(chain)?;
    let mut claims = issuer.claims();
    let user = issuer.token(Algorithm::ES256, &claims)?;
    claims["groups"] = json!(["staff", "admin"]);
    let admin = issuer.token(Algorithm::ES256, &claims)?;
    let client = fixture.envoy.http1();
    for (request, status) in [
        (Request::get("/admin"), 403),
        (Request::get("/admin/users").bearer(&user), 403),
        (Request::get("/admin/users").bearer(&admin), 200),
        (Request::get("/orders"), 200),
        (Request::get("/internal/metrics").bearer(&admin), 404),
        (Request::new(Method::DELETE, "/orders/1"), 200),
        (Request::new(Method::DELETE, "/orders/1").bearer(&user), 200),
    ] {
        let response = client.send(request.clone())?;
        assert_eq!(response.status, status, "{request:?}");
        assert!(status != 404 || response.body.is_empty(), "{}", response.text());
    }
    fixture.wait_for(&[("dry_run_denied_total", 1), ("policy_admin_denied_total", 2)])?;
    let log = fixture.envoy.wait_for_access_log(7)?;
    assert_eq!(log[5]["access"], "decision=allow;dry_run=deny;policy=deletes");
    Ok(())
}

#[test]
fn the_quick_start_replies_as_in_the_readme() -> Result<()> {
    let samples = repository::readme_samples(FILTER)?;
    let readme = read_text(&repository::root().join("filters/access-control/README.md"))?;
    let requests = [Request::get("/internal/metrics"), Request::new(Method::DELETE, "/orders")];
    for (index, request) in requests.into_iter().enumerate() {
        let fixture = Fixture::start(samples.get(index).context("no sample")?)?;
        let client = fixture.envoy.http1();
        assert_eq!(client.get("/orders")?.status, 200);
        let body = client.send(request)?.text();
        assert!(readme.contains(&format!("\n{body}\n")), "{body}");
    }
    Ok(())
}
