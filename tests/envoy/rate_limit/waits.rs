//! Requests that wait for their turn.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    client::Request,
    load::{get, load},
    process::wait_until,
};

use super::{
    Fixture, TIMEOUT,
    admissions::{Numbers, assert_never_over},
    connections::Pending,
    entry, limit,
};

/// Returns a limit of this many requests per second without a burst, for which requests wait.
fn shaped(per_second: u32, wait: &str) -> Value {
    json!({"name": "all", "requests": per_second, "per": "1s", "burst": 1, "wait": wait})
}

#[test]
fn shapes_to_the_rate_and_is_never_early() -> Result<()> {
    // 20 concurrent requests: one is admitted now, 10 wait for up to 500 ms, the others are refused.
    let fixture = Fixture::start_with(2, &limit(shaped(20, "500ms")))?;
    let clock = Instant::now();
    let mut responses =
        load(fixture.envoy.address(), 20, |number| (number < 20).then(|| get("/", &[])))?;
    let elapsed = clock.elapsed();
    responses.sort_by_key(|response| response.started + response.elapsed);
    let admitted: Vec<_> = responses.iter().filter(|response| response.status == 200).collect();
    eprintln!("{} of 20 admitted in {elapsed:?}", admitted.len());
    // More than 11 if the requests do not arrive at the same time.
    assert!((11..20).contains(&admitted.len()), "{}", admitted.len());
    assert_eq!(fixture.app.count(), admitted.len());
    assert!(elapsed >= Duration::from_millis(500), "{elapsed:?}");
    assert_never_over(&admitted, Numbers::TokenBucket { rate: 20.0, burst: 1.0 });
    let waited = u64::try_from(admitted.len())? - 1;
    fixture.wait_for("waited_total", waited)?;
    fixture.wait_for("waiting", 0)?;
    Ok(())
}

#[test]
fn a_steady_load_gets_the_rate() -> Result<()> {
    let fixture = Fixture::start_with(4, &limit(shaped(100, "300ms")))?;
    let responses =
        load(fixture.envoy.address(), 16, |number| (number < 200).then(|| get("/", &[])))?;
    let all: Vec<_> = responses.iter().collect();
    assert!(all.iter().all(|response| response.status == 200), "16 clients never wait over 160 ms");
    assert_never_over(&all, Numbers::TokenBucket { rate: 100.0, burst: 1.0 });
    let late = all.iter().map(|response| response.elapsed).max().unwrap_or_default();
    eprintln!("the longest of 200 requests took {late:?}");
    Ok(())
}

#[test]
fn a_client_that_leaves_frees_its_place_but_not_its_unit() -> Result<()> {
    let mut config = limit(json!({"name": "all", "requests": 1, "per": "4s", "wait": "30s"}));
    config["maxWaiting"] = json!(2);
    let fixture = Fixture::start(&config)?;
    let client = fixture.envoy.http1();
    assert_eq!(client.get("/")?.status, 200);
    let leaving = Pending::send_all(fixture.envoy.address(), "/", "", 2)?;
    fixture.wait_for("waiting", 2)?;
    let started = Instant::now();
    assert_eq!(client.get("/")?.status, 429, "maxWaiting requests wait");
    assert!(started.elapsed() < Duration::from_secs(2));
    drop(leaving);
    fixture.wait_for("waiting", 0)?;
    let refused = client.send(Request::get("/"));
    // The turns of both clients stay taken: the third is at 12 s.
    let waited = started.elapsed();
    assert_eq!(refused?.status, 200);
    assert!(waited >= Duration::from_secs(6), "{waited:?}");
    assert_eq!(fixture.app.count(), 2);
    Ok(())
}

#[test]
fn a_drained_listener_loses_no_waiting_request() -> Result<()> {
    let fixture = Fixture::start_with(2, &limit(shaped(10, "2s")))?;
    let pending = Pending::send_all(fixture.envoy.address(), "/", "", 12)?;
    wait_until("waiting", TIMEOUT, || Ok(fixture.stat("waited_total")? > 0))?;
    fixture.envoy.drain()?;
    let statuses: Vec<u16> = pending.into_iter().map(Pending::status).collect();
    assert_eq!(statuses, [200; 12]);
    Ok(())
}

#[test]
fn a_new_configuration_loses_no_waiting_request() -> Result<()> {
    let config = limit(shaped(10, "2s"));
    let mut fixture = Fixture::start_with(2, &config)?;
    let pending = Pending::send_all(fixture.envoy.address(), "/", "", 12)?;
    let started = Instant::now();
    let mut changed = config;
    changed["limits"][0]["wait"] = json!("1s");
    fixture.envoy.reconfigure(&[super::filter(&changed)])?;
    let statuses: Vec<u16> = pending.into_iter().map(Pending::status).collect();
    assert_eq!(statuses, [200; 12]);
    assert!(started.elapsed() >= Duration::from_secs(1));
    Ok(())
}

#[test]
fn other_limits_pass_or_refuse_meanwhile() -> Result<()> {
    let config = json!({"http": [
        entry("slow", json!({"requests": 1, "per": "2s", "wait": "3s"})),
        entry("fast", json!({"requests": 1, "per": "1h"})),
    ]});
    let fixture = Fixture::start(&config)?;
    let client = fixture.envoy.http1();
    client.get("/slow")?;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| client.get("/slow"));
        fixture.wait_for("waiting", 1)?;
        assert_eq!((client.get("/fast")?.status, client.get("/fast")?.status), (200, 429));
        let waited = waiting.join().map_err(|_| anyhow!("the client panicked"))??;
        assert_eq!(waited.status, 200);
        Ok(())
    })
}

#[test]
fn a_timeout_of_the_proxy_ends_a_wait() -> Result<()> {
    let route =
        json!({"match": {"prefix": "/"}, "route": {"cluster": "app", "idle_timeout": "0.5s"}});
    let config = json!({"limits": [
        {"name": "slow", "requests": 1, "per": "20s", "burst": 1, "wait": "30s"},
        {"name": "open", "concurrent": 1},
    ]});
    let mut fixture = Fixture::start_options(vec![super::filter(&config)], |options| {
        EnvoyOptions { routes: vec![route], ..options }
    })?;
    assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    let _ = fixture.envoy.http1().get("/");
    let log = fixture.envoy.wait_for_access_log(2)?;
    assert_eq!(log[1]["details"], "stream_idle_timeout");
    fixture.wait_for("waiting", 0)?;
    fixture.wait_for("active_rate-limit_open", 0)?;
    assert_eq!((fixture.app.count(), fixture.stat("errors_total")?), (1, 0));
    Ok(())
}
