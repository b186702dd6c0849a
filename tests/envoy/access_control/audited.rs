//! The audit log.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::client::Request;

use super::{Fixture, policy, to_paths};

#[test]
fn lines_have_values_of_the_request_and_no_secrets() -> Result<()> {
    let mut fixture = Fixture::start(&json!({
        "policies": [policy("internal", "DENY", to_paths(&["/internal"]))],
        "audit": {"fields": [
            "time", "decision", "policy", "rule", "path",
            {"name": "tenant", "value": "%REQ(x-tenant)%"},
            {"name": "client", "value": "%REQ(x-forwarded-for)%", "redact": "TRUNCATE_IP"},
            {"name": "session", "value": "%REQ(cookie)%", "redact": "HASH"},
            {"name": "subject", "value": "%CLAIM(sub)%"},
        ]},
    }))?;
    let request = || {
        Request::get("/internal?token=1")
            .header("x-tenant", "acme")
            .header("x-forwarded-for", "10.1.2.3")
            .header("cookie", "session=secret")
    };
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        assert_eq!(client.send(request())?.status, 403);
        assert_eq!(client.get("/open")?.status, 200);
    }
    fixture.wait_for(&[("denied_total", 2), ("errors_total", 0), ("audit_limited_total", 0)])?;
    let log = fixture.envoy.stop()?;
    assert!(!log.contains("session=secret") && !log.contains("token=1"), "{log}");
    let lines = log.lines().filter_map(|line| line.split_once("audit {"));
    let lines = lines.map(|(_, json)| format!("{{{}", json.trim_end()));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 2, "{log}");
    let mut hashes = BTreeSet::new();
    for line in &lines {
        let line: Value = serde_json::from_str(line)?;
        hashes.insert(line["session"].as_str().context("a hash")?.to_owned());
        let expected = json!({
            "time": line["time"], "decision": "DENY", "policy": "internal", "rule": "rule-0",
            "path": "/internal", "tenant": "acme", "client": "10.1.2.0",
            "session": line["session"],
        });
        assert_eq!(line, expected);
    }
    assert!(hashes.len() == 1 && hashes.iter().all(|hash| hash.len() == 16), "{hashes:?}");
    Ok(())
}
