//! A service that fails.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    client::{Request, Response},
    envoy::Envoy,
    ports,
    rate_limit_service::{Behaviour, FakeRateLimitService},
};

use super::{admits, global, start};

/// The timeout of the tests, and a margin for a slow machine.
const MAX_WAIT: Duration = Duration::from_millis(1_500);

fn get(envoy: &Envoy) -> Result<(Response, Duration)> {
    let started = Instant::now();
    let response = envoy.http1().send(Request::get("/").header("x-user", "alice"))?;
    Ok((response, started.elapsed()))
}

fn failures() -> Vec<Behaviour> {
    vec![
        Behaviour::Hang,
        Behaviour::ok().after(Duration::from_secs(5)),
        Behaviour::Stall(b"\0\0\0".to_vec()),
        Behaviour::Error(14, "down".to_owned()),
        Behaviour::Error(2, "a\r\nb".to_owned()),
        Behaviour::Http(503),
        Behaviour::Http(404),
        Behaviour::garbage(b"\xff\xff\xff\xff"),
        Behaviour::garbage(&[0x12; 3_000]),
        Behaviour::huge(1_000_000),
        Behaviour::Reset,
        Behaviour::Close,
    ]
}

fn document(mode: &str, failure_mode: &str) -> Value {
    global(mode, &json!({"failureMode": failure_mode}))
}

#[test]
fn a_failed_service_never_delays_or_frees_a_request() -> Result<()> {
    let service = FakeRateLimitService::start(Behaviour::ok())?;
    for mode in ["EXACT", "BATCHED"] {
        for (failure_mode, expected) in [("ALLOW", 200), ("DENY", 503), ("LOCAL", 200)] {
            let document = document(mode, failure_mode);
            let (envoy, _app) = start(service.address(), &document, 1)?;
            for behaviour in
                failures().into_iter().take(if failure_mode == "LOCAL" { 5 } else { 12 })
            {
                service.set_behaviour(behaviour.clone());
                let (response, time) = get(&envoy)?;
                assert_eq!(response.status, expected, "{mode} {failure_mode} {behaviour:?}");
                assert!(time < MAX_WAIT, "{mode} {failure_mode} {behaviour:?}: {time:?}");
            }
            let (last, _) = get(&envoy)?;
            // The limit of the pod is 5.
            let expected = if failure_mode == "LOCAL" { 429 } else { expected };
            assert_eq!(last.status, expected, "{mode} {failure_mode}");
        }
    }
    Ok(())
}

#[test]
fn a_dead_service_is_not_called_and_recovers() -> Result<()> {
    let address = ports::loopback(ports::free()?);
    let (mut envoy, app) = start(address, &document("EXACT", "ALLOW"), 1)?;
    for _ in 0..20 {
        assert_eq!(get(&envoy)?.0.status, 200);
    }
    envoy.wait_for_log("is down")?;
    let stats = |name: &str| -> Result<u64> {
        Ok(envoy.stats()?.value(&format!("wasmcustom.weir_rate_limit_{name}")))
    };
    tests::process::wait_until("metrics", Duration::from_secs(5), || {
        Ok(stats("service_skipped_total")? >= 10)
    })?;
    let errors = stats("service_errors_total")?;
    assert!(errors <= 5, "{errors} calls to a dead service");
    let service = FakeRateLimitService::start_on(
        std::net::TcpListener::bind(address)?,
        admits(10, Duration::from_secs(60)),
    )?;
    tests::process::wait_until("the service is asked again", Duration::from_secs(20), || {
        get(&envoy)?;
        Ok(service.count() > 3)
    })?;
    assert!(app.count() > 20);
    envoy.wait_for_log("is back")
}

#[test]
fn an_unknown_cluster_is_a_failure() -> Result<()> {
    let service = FakeRateLimitService::start(Behaviour::ok())?;
    for (mode, failure_mode, expected) in
        [("EXACT", "DENY", 503), ("BATCHED", "DENY", 503), ("BATCHED", "ALLOW", 200)]
    {
        let document = global(mode, &json!({"failureMode": failure_mode, "cluster": "nowhere"}));
        let (envoy, _app) = start(service.address(), &document, 1)?;
        for _ in 0..5 {
            assert_eq!(get(&envoy)?.0.status, expected, "{mode} {failure_mode}");
        }
    }
    assert_eq!(service.count(), 0);
    Ok(())
}
