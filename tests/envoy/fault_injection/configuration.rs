//! Changes of the configuration, its warnings, and settings that need several workers.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{client::Request, timestamp::rfc3339};

use super::{Rig, always, filter};

#[test]
fn a_bad_one_is_refused_with_its_paths_and_the_last_good_one_serves() -> Result<()> {
    let mut rig = Rig::start(&always(json!({"abort": {"httpStatus": 418}})))?;
    let bad: [(Value, &str); 4] = [
        (always(json!({"abort": {"httpStatus": 600}})), "http[0].fault.abort.httpStatus"),
        (json!({"http": [{"timeout": "1s"}]}), "stays in the VirtualService"),
        (json!({"http": [{"fault": {}}], "x": 1}), "unknown field `x`"),
        (always(json!({"delay": {"fixedDelay": "1s", "headerDelay": {}}})), "exactly one of"),
    ];
    for (config, said) in bad {
        let before = rig.envoy.log().len();
        rig.envoy.refuses(&[filter(&config)])?;
        let log = rig.envoy.log();
        let since = log.get(before..).unwrap_or_default();
        assert!(since.contains(said), "{config}: no {said} in\n{since}");
        assert_eq!(rig.envoy.http1().get("/")?.status, 418, "after {config}");
    }
    Ok(())
}

#[test]
fn what_never_ends_or_is_over_is_told() -> Result<()> {
    let mut rig = Rig::start(&always(json!({"abort": {"httpStatus": 418}})))?;
    rig.envoy.wait_for_log("x: no expiresAt covers it")?;
    let mut over = always(json!({"abort": {"httpStatus": 418}}));
    over["schedule"] = json!({"expiresAt": "2026-01-01T00:00:00Z"});
    rig.envoy.reconfigure(&[filter(&over)])?;
    rig.envoy.wait_for_log("schedule: expiresAt has passed")?;
    assert_eq!(rig.envoy.http1().get("/")?.status, 200);
    Ok(())
}

#[test]
fn an_expired_entry_stops_while_it_runs() -> Result<()> {
    let end = std::time::SystemTime::now() + std::time::Duration::from_secs(20);
    let end = end.duration_since(std::time::SystemTime::UNIX_EPOCH)?.as_secs();
    let mut config = always(json!({"abort": {"httpStatus": 418}}));
    config["schedule"] = json!({"expiresAt": rfc3339(end)});
    let rig = Rig::start_with(4, &config)?;
    assert_eq!(rig.envoy.http1().get("/")?.status, 418);
    tests::process::wait_until("past the expiry", std::time::Duration::from_secs(40), || {
        Ok(rig.envoy.http1().get("/")?.status == 200)
    })?;
    for _ in 0..20 {
        assert_eq!(rig.envoy.http1().get("/")?.status, 200, "in every worker");
    }
    Ok(())
}

#[test]
fn counters_are_clean_and_carry_the_entry_where_asked() -> Result<()> {
    let mut config = always(json!({"abort": {"httpStatus": 418}}));
    let rig = Rig::start(&config)?;
    rig.envoy.http1().get("/")?;
    let text = rig.envoy.admin().get("/stats/prometheus")?.text();
    assert!(text.lines().any(|line| line == "weir_fault_injection_aborts_total{} 1"), "{text}");
    config["metrics"] = json!({"labels": true});
    let labelled = Rig::start(&config)?;
    labelled.envoy.http1().get("/")?;
    assert_eq!(labelled.stat("aborts_total.rule=.=x;.;")?, 1);
    Ok(())
}

#[test]
fn a_key_meets_the_same_fate_in_every_worker() -> Result<()> {
    let rig = Rig::start_with(
        4,
        &json!({"http": [{"name": "x",
        "consistentHash": {"httpHeaderName": "x-user"},
        "fault": {"abort": {"percentage": {"value": 50}, "httpStatus": 418}}}]}),
    )?;
    let client = rig.envoy.http1();
    let send = |user: u32| client.send(Request::get("/").header("x-user", user.to_string()));
    let first: Vec<u16> = (0..60).map(|user| Ok(send(user)?.status)).collect::<Result<_>>()?;
    for _ in 0..4 {
        for (user, status) in (0..60).zip(&first) {
            assert_eq!(send(user)?.status, *status, "user {user}");
        }
    }
    assert!(first.contains(&418) && first.contains(&200));
    client.get("/")?;
    assert_eq!(rig.stat("unkeyed_total")?, 1);
    Ok(())
}
