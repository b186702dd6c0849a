//! Changes of the configuration, its warnings, and settings that need several workers.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{client::Request, suite, timestamp::rfc3339};

use super::{FILTER, Fixture, always, filter};

#[test]
fn rejects_an_invalid_configuration_and_keeps_the_last_valid_one() -> Result<()> {
    let mut fixture = Fixture::start(&always(json!({"abort": {"httpStatus": 418}})))?;
    let bad: [(Value, &str); 4] = [
        (always(json!({"abort": {"httpStatus": 600}})), "http[0].fault.abort.httpStatus"),
        (json!({"http": [{"timeout": "1s"}]}), "stays in the VirtualService"),
        (json!({"http": [{"fault": {}}], "x": 1}), "unknown field `x`"),
        (always(json!({"delay": {"fixedDelay": "1s", "headerDelay": {}}})), "exactly one of"),
    ];
    for (config, message) in bad {
        let before = fixture.envoy.log().len();
        fixture.envoy.expect_rejection(&[filter(&config)])?;
        let log = fixture.envoy.log();
        let since = log.get(before..).unwrap_or_default();
        assert!(since.contains(message), "{config}: no {message} in\n{since}");
        assert_eq!(fixture.envoy.http1().get("/")?.status, 418, "after {config}");
    }
    Ok(())
}

#[test]
fn logs_missing_and_past_expiry() -> Result<()> {
    let mut fixture = Fixture::start(&always(json!({"abort": {"httpStatus": 418}})))?;
    let warning = suite::path(FILTER, "http[0].schedule: has no expiresAt");
    fixture.envoy.wait_for_log(&warning)?;
    let mut over = always(json!({"abort": {"httpStatus": 418}}));
    over["schedule"] = json!({"expiresAt": "2026-01-01T00:00:00Z"});
    fixture.envoy.reconfigure(&[filter(&over)])?;
    fixture.envoy.wait_for_log(&suite::path(FILTER, "schedule: expiresAt has passed"))?;
    assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    Ok(())
}

#[test]
fn faults_stop_at_expiry() -> Result<()> {
    let end = std::time::SystemTime::now() + std::time::Duration::from_secs(20);
    let end = end.duration_since(std::time::SystemTime::UNIX_EPOCH)?.as_secs();
    let mut config = always(json!({"abort": {"httpStatus": 418}}));
    config["schedule"] = json!({"expiresAt": rfc3339(end)});
    let fixture = Fixture::start_with(4, &config)?;
    assert_eq!(fixture.envoy.http1().get("/")?.status, 418);
    tests::process::wait_until("expiring", std::time::Duration::from_secs(40), || {
        Ok(fixture.envoy.http1().get("/")?.status == 200)
    })?;
    for _ in 0..20 {
        assert_eq!(fixture.envoy.http1().get("/")?.status, 200, "in every worker");
    }
    Ok(())
}

#[test]
fn counters_have_a_rule_label_only_if_enabled() -> Result<()> {
    let mut config = always(json!({"abort": {"httpStatus": 418}}));
    let fixture = Fixture::start(&config)?;
    fixture.envoy.http1().get("/")?;
    let text = fixture.envoy.admin().get("/stats/prometheus")?.text();
    assert!(text.lines().any(|line| line == "weir_fault_injection_aborts_total{} 1"), "{text}");
    config["metrics"] = json!({"labels": true});
    let labelled = Fixture::start(&config)?;
    labelled.envoy.http1().get("/")?;
    assert_eq!(labelled.stat("aborts_total.rule=.=x;.;")?, 1);
    Ok(())
}

#[test]
fn a_hash_key_gets_the_same_result_in_every_worker() -> Result<()> {
    let fixture = Fixture::start_with(
        4,
        &json!({"http": [{"name": "x",
        "consistentHash": {"httpHeaderName": "x-user"},
        "fault": {"abort": {"percentage": {"value": 50}, "httpStatus": 418}}}]}),
    )?;
    let client = fixture.envoy.http1();
    let send = |user: u32| client.send(Request::get("/").header("x-user", user.to_string()));
    let first: Vec<u16> = (0..60).map(|user| Ok(send(user)?.status)).collect::<Result<_>>()?;
    for _ in 0..4 {
        for (user, status) in (0..60).zip(&first) {
            assert_eq!(send(user)?.status, *status, "user {user}");
        }
    }
    assert!(first.contains(&418) && first.contains(&200));
    client.get("/")?;
    assert_eq!(fixture.stat("unkeyed_total")?, 1);
    Ok(())
}
