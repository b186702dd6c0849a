//! Facts that one filter establishes and another one, or the access log, reads.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{client::Request, upstream::Received};

use super::{Fixture, TAG, USER, document};

#[test]
fn filters_read_facts_that_are_not_published() -> Result<()> {
    let mut fixture = Fixture::start(document)?;
    let response = fixture.envoy.http1().send(fixture.signed("/orders")?)?;
    let received = Received::from_response(&response)?;
    assert_eq!((received.header(USER), received.header(TAG)), (vec!["alice"], vec!["canary"]));
    fixture.envoy.http1().send(fixture.signed("/slow")?)?;
    let response = fixture.envoy.http1().get("/orders")?;
    assert_eq!(Received::from_response(&response)?.header(TAG), [""; 0]);
    fixture.wait_for(&[
        ("telemetry_requests_total", &[("user", "alice"), ("tag", "canary")], 2),
        ("telemetry_requests_total", &[("user", "unknown"), ("tag", "unknown")], 1),
        ("telemetry_requests_total", &[], 3),
    ])?;
    let log = fixture.envoy.wait_for_access_log(3)?;
    for line in &log {
        assert_eq!((&line["jwt"], &line["tag"]), (&Value::Null, &Value::Null), "{line}");
    }
    // A fault is always a property.
    let faults = log.iter().filter(|line| line["fault"].is_string()).map(|line| &line["path"]);
    assert_eq!(faults.collect::<Vec<_>>(), ["/slow"]);
    fixture.assert_no_trap()
}

#[test]
fn published_facts_are_in_the_access_log() -> Result<()> {
    let mut fixture = Fixture::start(|issuer| {
        let mut document = document(issuer);
        document["jwt-auth"]["publish"] = json!("CLAIMS");
        document["routing-tags"]["filterState"] = json!(true);
        document
    })?;
    fixture.envoy.http1().send(fixture.signed("/slow")?)?;
    let log = fixture.envoy.wait_for_access_log(1)?;
    let identity = log[0]["jwt"].as_str().unwrap_or_default();
    let identity: Value = serde_json::from_str(identity)?;
    assert_eq!(identity["sub"], "alice", "{identity}");
    assert_eq!(log[0]["tag"], "canary");
    assert_eq!(log[0]["fault"], "entry=slow;delay=300;phase=REQUEST");
    let alice = [("user", "alice"), ("tag", "canary")];
    fixture.wait_for(&[("telemetry_requests_total", &alice, 1)])
}

#[test]
fn an_identity_that_is_not_published_is_unknown() -> Result<()> {
    let fixture = Fixture::start(|issuer| {
        let mut document = document(issuer);
        document["jwt-auth"]["publish"] = json!("NONE");
        document
    })?;
    let response = fixture.envoy.http1().send(fixture.signed("/orders")?)?;
    let received = Received::from_response(&response)?;
    assert_eq!((received.header(USER), received.header(TAG)), (vec!["alice"], vec![]));
    let labels = [("user", "unknown"), ("tag", "unknown")];
    fixture.wait_for(&[("telemetry_requests_total", &labels, 1)])
}

#[test]
fn clients_cannot_forge_facts() -> Result<()> {
    let fixture = Fixture::start(document)?;
    let forged = Request::get("/orders").header(TAG, "canary").header(USER, "alice");
    let received = Received::from_response(&fixture.envoy.http1().send(forged)?)?;
    assert_eq!((received.header(USER), received.header(TAG)), (vec![], vec![]));
    let labels = [("user", "unknown"), ("tag", "unknown")];
    fixture.wait_for(&[("telemetry_requests_total", &labels, 1)])
}
