//! Timeouts and retries of a caller's proxy apply to faults injected at the server's proxy.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    envoy::Envoy,
    load::{get, load},
    scale::thorough,
};

use super::{Fixture, always, native::native_fault, with};

/// Starts the caller's Envoy, whose only route has `policy` and leads to the fixture's Envoy.
fn caller(fixture: &Fixture, policy: Value, filters: Vec<Filter>) -> Result<Envoy> {
    let route = with(policy, "cluster", json!("app"));
    let routes = vec![json!({"match": {"prefix": "/"}, "route": route})];
    Envoy::start(EnvoyOptions { routes, ..EnvoyOptions::new(fixture.envoy.address(), filters) })
}

#[test]
fn caller_timeout_ends_a_delayed_call() -> Result<()> {
    let fixture = Fixture::start(&always(json!({"delay": {"fixedDelay": "5s"}})))?;
    let caller = caller(&fixture, json!({"timeout": "1s"}), Vec::new())?;
    let started = Instant::now();
    assert_eq!(caller.http1().get("/")?.status, 504);
    let elapsed = started.elapsed();
    // Envoy's clock is coarse.
    assert!(
        elapsed >= Duration::from_millis(980) && elapsed < Duration::from_secs(3),
        "{elapsed:?}"
    );
    fixture.wait_for("abandoned_total", 1)?;
    fixture.wait_for("active", 0)
}

#[test]
fn retries_draw_independently() -> Result<()> {
    let calls = thorough(2_000, 40_000);
    let half =
        json!({"http": [{"fault": {"abort": {"percentage": {"value": 50}, "httpStatus": 503}}}]});
    let fixture = Fixture::start(&half)?;
    let retries = json!({"retry_on": "5xx", "num_retries": 2,
        "retry_back_off": {"base_interval": "0.001s"}});
    let caller = caller(&fixture, json!({"retry_policy": retries}), Vec::new())?;
    // By default Envoy allows three concurrent retries per cluster.
    let responses =
        load(caller.address(), 3, move |number| (number < calls).then(|| get("/", &[])))?;
    let failed = responses.iter().filter(|response| response.status == 503).count();
    // An eighth within four standard deviations, which are 0.7 % for 40,000 calls.
    let share = failed as f64 / responses.len() as f64;
    let deviation = (0.125 * 0.875 / responses.len() as f64).sqrt();
    eprintln!("{failed} of {} calls failed after two retries: {share}", responses.len());
    assert!((share - 0.125).abs() < 4.0 * deviation, "{failed} of {}", responses.len());
    Ok(())
}

#[test]
fn native_fault_at_the_caller_bypasses_timeout_and_retries() -> Result<()> {
    let fixture = Fixture::start(&json!({}))?;
    let share = json!({"numerator": 100, "denominator": "HUNDRED"});
    let fault = json!({"delay": {"fixed_delay": "1.5s", "percentage": share}});
    let policy = json!({"timeout": "1s", "retry_policy": {"retry_on": "5xx", "num_retries": 2}});
    let slow = caller(&fixture, policy.clone(), vec![native_fault(fault)])?;
    assert_eq!(slow.http1().get("/")?.status, 200, "the timeout does not include the delay");
    let fault = json!({"abort": {"http_status": 503, "percentage": share}});
    let failing = caller(&fixture, policy, vec![native_fault(fault)])?;
    assert_eq!(failing.http1().get("/")?.status, 503);
    assert_eq!(fixture.app.count(), 1, "no retry");
    Ok(())
}
