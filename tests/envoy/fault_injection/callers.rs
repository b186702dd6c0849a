//! Timeouts and retries of a caller's proxy apply to faults injected at the server's proxy.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{Filter, Setup},
    envoy::Envoy,
    scale::thorough,
};

use super::{
    Rig, always,
    load::{get, load},
    native::native,
    with,
};

/// Starts the caller's Envoy, whose only route has `policy` and leads to the fixture's Envoy.
fn caller(rig: &Rig, policy: Value, filters: Vec<Filter>) -> Result<Envoy> {
    let route = with(policy, "cluster", json!("app"));
    let routes = vec![json!({"match": {"prefix": "/"}, "route": route})];
    Envoy::start(Setup { routes, ..Setup::new(rig.envoy.address(), filters) })
}

#[test]
fn a_timeout_ends_a_delayed_call() -> Result<()> {
    let rig = Rig::start(&always(json!({"delay": {"fixedDelay": "5s"}})))?;
    let caller = caller(&rig, json!({"timeout": "1s"}), Vec::new())?;
    let begun = Instant::now();
    assert_eq!(caller.http1().get("/")?.status, 504);
    let took = begun.elapsed();
    // Envoy's clock is coarse.
    assert!(took >= Duration::from_millis(980) && took < Duration::from_secs(3), "{took:?}");
    rig.wait_for("abandoned_total", 1)?;
    rig.wait_for("active", 0)
}

#[test]
fn retries_meet_independent_draws() -> Result<()> {
    let calls = thorough(2_000, 40_000);
    let half =
        json!({"http": [{"fault": {"abort": {"percentage": {"value": 50}, "httpStatus": 503}}}]});
    let rig = Rig::start(&half)?;
    let retries = json!({"retry_on": "5xx", "num_retries": 2,
        "retry_back_off": {"base_interval": "0.001s"}});
    let caller = caller(&rig, json!({"retry_policy": retries}), Vec::new())?;
    // By default Envoy allows three concurrent retries per cluster.
    let answers = load(caller.address(), 3, move |number| (number < calls).then(|| get("/", &[])))?;
    let failed = answers.iter().filter(|answer| answer.status == 503).count();
    // An eighth within four standard deviations, which are 0.7 % for 40,000 calls.
    let share = failed as f64 / answers.len() as f64;
    let deviation = (0.125 * 0.875 / answers.len() as f64).sqrt();
    eprintln!("{failed} of {} calls failed after two retries: {share}", answers.len());
    assert!((share - 0.125).abs() < 4.0 * deviation, "{failed} of {}", answers.len());
    Ok(())
}

#[test]
fn the_callers_own_fault_filter_knows_no_timeout_and_no_retry() -> Result<()> {
    let rig = Rig::start(&json!({}))?;
    let share = json!({"numerator": 100, "denominator": "HUNDRED"});
    let fault = json!({"delay": {"fixed_delay": "1.5s", "percentage": share}});
    let policy = json!({"timeout": "1s", "retry_policy": {"retry_on": "5xx", "num_retries": 2}});
    let slow = caller(&rig, policy.clone(), vec![native(fault)])?;
    assert_eq!(slow.http1().get("/")?.status, 200, "the timeout does not include the delay");
    let fault = json!({"abort": {"http_status": 503, "percentage": share}});
    let failing = caller(&rig, policy, vec![native(fault)])?;
    assert_eq!(failing.http1().get("/")?.status, 503);
    assert_eq!(rig.app.count(), 1, "no retry");
    Ok(())
}
