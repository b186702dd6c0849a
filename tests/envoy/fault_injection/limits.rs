//! Limits of faults, which apply to all workers together.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::json;
use tests::{
    bootstrap::EnvoyOptions,
    client::Request,
    envoy::Envoy,
    ports,
    process::wait_until,
    server::{Server, full},
    upstream::REPLY_STATUS,
};

use super::{
    Fixture, always,
    streams::{TIMEOUT, send, statuses},
    with,
};

/// Sends requests from `clients` threads for `time`. Returns the number of faults and of other
/// responses.
fn load(fixture: &Fixture, clients: u32, time: Duration) -> Result<(u64, u64)> {
    let (faults, passed) = (AtomicU64::new(0), AtomicU64::new(0));
    let client = fixture.envoy.http1();
    thread::scope(|scope| {
        let run = || -> Result<()> {
            let started = Instant::now();
            while started.elapsed() < time {
                let faulty = client.get("/")?.status == 503;
                let count = if faulty { &faults } else { &passed };
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| anyhow!("a client panicked"))?)
    })?;
    Ok((faults.into_inner(), passed.into_inner()))
}

#[test]
fn holds_at_most_max_active_faults() -> Result<()> {
    let slow = always(json!({"delay": {"fixedDelay": "4s"}, "abort": {"httpStatus": 418}}));
    let fixture = Fixture::start_with(4, &with(slow, "maxActiveFaults", json!(50)))?;
    let sockets = send(fixture.envoy.address(), 400)?;
    fixture.wait_for("skipped_overflow_total", 350)?;
    assert_eq!(fixture.stat("active")?, 50);
    let statuses = statuses(sockets);
    let held = statuses.iter().filter(|status| **status == 418).count();
    let passed = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!((held, passed), (50, 350), "at the limit a stream gets no fault");
    fixture.wait_for("active", 0)?;
    assert_eq!(self::send_and_read_statuses(&fixture, 1)?, [418], "a slot is free again");
    Ok(())
}

fn send_and_read_statuses(fixture: &Fixture, count: usize) -> Result<Vec<u16>> {
    Ok(statuses(send(fixture.envoy.address(), count)?))
}

#[test]
fn starts_at_most_max_faults_per_second() -> Result<()> {
    let config =
        with(always(json!({"abort": {"httpStatus": 503}})), "maxFaultsPerSecond", json!(20));
    let fixture = Fixture::start_with(4, &config)?;
    let started = Instant::now();
    let (faults, passed) = load(&fixture, 8, Duration::from_secs(4))?;
    let max = 20.0 * (1.0 + started.elapsed().as_secs_f64());
    assert!(faults as f64 <= max, "{faults} of at most {max}");
    assert!(faults >= 20 * 4, "{faults}: the token bucket was not used up");
    assert!(passed > faults);
    assert_eq!(fixture.stat("skipped_budget_total")?, passed);
    Ok(())
}

#[test]
fn stops_once_the_error_rate_is_exceeded() -> Result<()> {
    let fault = json!({"http": [{"match": [{"headers": {"x-fault": {}}}], "name": "x",
        "fault": {"abort": {"httpStatus": 503, "percentage": {"value": 100}}}}]});
    let criteria = json!({"maxErrorRate": {"value": 10}, "minRequestCount": 50, "window": "60s"});
    let mut fixture = Fixture::start_with(4, &with(fault, "successCriteria", criteria))?;
    let client = fixture.envoy.http1();
    let faulty = || client.send(Request::get("/").header("x-fault", "1"));
    let failing = || client.send(Request::get("/").header(REPLY_STATUS, "500"));
    for _ in 0..60 {
        assert_eq!(faulty()?.status, 503, "injected errors are not counted");
    }
    for _ in 0..96 {
        client.get("/")?;
    }
    for _ in 0..10 {
        failing()?;
    }
    assert_eq!(
        (faulty()?.status, fixture.stat("stopped")?),
        (503, 0),
        "10 errors in 106 responses"
    );
    failing()?;
    fixture.wait_for("stopped", 1)?;
    assert_eq!(faulty()?.status, 200);
    assert_eq!(fixture.stat("skipped_stopped_total")?, 1);
    fixture.envoy.wait_for_log("errors in")?;
    let lines = fixture.envoy.log().matches("stopped: ").count();
    assert_eq!(lines, 1, "exactly one line for all workers");
    Ok(())
}

#[test]
fn skips_the_abort_after_a_delay_once_stopped() -> Result<()> {
    let fault = json!({"http": [{"match": [{"headers": {"x-fault": {}}}], "fault": {
        "delay": {"fixedDelay": "2s", "percentage": {"value": 100}},
        "abort": {"httpStatus": 503, "percentage": {"value": 100}}}}]});
    let criteria = json!({"maxErrorRate": {"value": 0}, "minRequestCount": 1});
    let fixture = Fixture::start(&with(fault, "successCriteria", criteria))?;
    let client = fixture.envoy.http1();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| client.send(Request::get("/").header("x-fault", "1")));
        fixture.wait_for("active", 1)?;
        client.send(Request::get("/").header(REPLY_STATUS, "500"))?;
        fixture.wait_for("stopped", 1)?;
        let response = waiting.join().map_err(|_| anyhow!("the client panicked"))??;
        assert_eq!(response.status, 200);
        Ok(())
    })
}

#[test]
fn dry_run_counts_and_changes_nothing() -> Result<()> {
    let fault = json!({"delay": {"fixedDelay": "10s"}, "abort": {"httpStatus": 503}});
    let mut fixture = Fixture::start_with(4, &with(always(fault), "dryRun", json!(true)))?;
    let (faults, passed) = load(&fixture, 8, Duration::from_secs(1))?;
    assert_eq!(faults, 0);
    for counter in ["delays_total", "aborts_total", "dry_run_total"] {
        assert_eq!(fixture.stat(counter)?, passed, "{counter}");
    }
    assert_eq!(fixture.stat("active")?, 0);
    let log = fixture.envoy.wait_for_access_log(1)?;
    assert_eq!(log[0]["fault"], "dry_run;entry=x;delay=10000;abort=503;phase=REQUEST");
    Ok(())
}

#[test]
fn client_resets_are_not_errors() -> Result<()> {
    let silent = |_| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        hyper::Response::new(full(""))
    };
    let failing = |_| async {
        let response = hyper::Response::builder().status(503);
        response.body(full("")).unwrap_or_default()
    };
    assert_eq!(stopped_after(Server::start(ports::listen(0)?, silent)?)?, 0);
    assert_eq!(stopped_after(Server::start(ports::listen(0)?, failing)?)?, 1);
    Ok(())
}

/// Returns the gauge `stopped` of a filter that tolerates no error, after two calls of `app`.
///
/// A call without a response within a second is reset by the client.
fn stopped_after(app: Server) -> Result<u64> {
    let criteria = json!({"maxErrorRate": {"value": 0}, "minRequestCount": 1});
    let fault = json!({"abort": {"httpStatus": 418, "percentage": {"value": 0.0001}}});
    let config = with(json!({"http": [{"fault": fault}]}), "successCriteria", criteria);
    let mut envoy = Envoy::start(EnvoyOptions::new(app.address(), vec![super::filter(&config)]))?;
    let waiting = send(envoy.address(), 2)?;
    let value = |envoy: &Envoy, name: &str| anyhow::Ok(envoy.stats()?.value(name));
    wait_until("forwarding the requests", TIMEOUT, || {
        Ok(value(&envoy, "cluster.app.upstream_rq_total")? >= 2)
    })?;
    // `app` may never respond.
    let _ = wait_until("receiving the responses", Duration::from_secs(1), || {
        Ok(value(&envoy, "cluster.app.upstream_rq_completed")? >= 2)
    });
    drop(waiting);
    envoy.wait_for_access_log(2)?;
    value(&envoy, "wasmcustom.weir_fault_injection_stopped")
}

#[test]
fn a_new_configuration_ends_the_stop() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 0}, "minRequestCount": 1});
    let fault = json!({"http": [{"match": [{"headers": {"x-fault": {}}}],
        "fault": {"abort": {"httpStatus": 418, "percentage": {"value": 100}}}}]});
    let config = with(fault, "successCriteria", criteria);
    let mut fixture = Fixture::start(&config)?;
    let client = fixture.envoy.http1();
    let faulty = || client.send(Request::get("/").header("x-fault", "1"));
    client.send(Request::get("/").header(REPLY_STATUS, "500"))?;
    fixture.wait_for("stopped", 1)?;
    assert_eq!(faulty()?.status, 200);
    fixture.envoy.reconfigure(&[super::filter(&with(config, "maxDelay", json!("1s")))])?;
    assert_eq!((faulty()?.status, fixture.stat("stopped")?), (418, 0));
    Ok(())
}
