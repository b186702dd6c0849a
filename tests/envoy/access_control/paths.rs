//! Paths and hosts in every spelling.

use anyhow::Result;
use serde_json::{Value, json};
use tests::client::Request;

use super::{Fixture, filter, policy, to_paths};
use crate::jwt_auth::path_confusion::assert_no_bypass;

fn document(action: &str, path: &str) -> Value {
    json!({"policies": [policy("paths", action, to_paths(&[path]))]})
}

#[test]
fn no_path_escapes_an_allowed_prefix() -> Result<()> {
    let filter = filter(&document("ALLOW", "/public*"));
    assert_no_bypass(|path| !path.starts_with(b"/public"), filter, false)
}

#[test]
fn no_path_enters_a_denied_prefix() -> Result<()> {
    let filter = filter(&document("DENY", "/admin*"));
    assert_no_bypass(|path| path.starts_with(b"/admin"), filter, false)
}

#[test]
fn no_host_leads_around_a_denial() -> Result<()> {
    let rules = json!([{"to": [{"operation": {"hosts": ["admin.example.com"]}}]}]);
    let fixture = Fixture::start(&json!({"policies": [policy("hosts", "DENY", rules)]}))?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        assert_eq!(client.send(Request::get("/").authority("app.example.com"))?.status, 200);
        for host in [
            "admin.example.com",
            "ADMIN.example.com",
            "admin.example.com:81",
            "admin.example.com.",
            "Admin.Example.Com.:8080",
        ] {
            let response = client.send(Request::get("/").authority(host))?;
            assert_eq!(response.status, 403, "{host}");
        }
    }
    assert_eq!(fixture.app.count(), 2);
    Ok(())
}
