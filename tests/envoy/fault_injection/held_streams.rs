//! Held streams when clients reset, the configuration changes, or the listener drains.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tests::{
    bootstrap::EnvoyOptions,
    envoy::Envoy,
    ports,
    process::wait_until,
    server::{Server, full},
};

use super::{
    Fixture, always, filter,
    streams::{TIMEOUT, send, statuses},
};

const PREFIX: &str = "wasmcustom.weir_fault_injection_";

#[test]
fn client_resets_release_held_streams() -> Result<()> {
    let fixture = Fixture::start_with(2, &always(json!({"delay": {"fixedDelay": "3s"}})))?;
    let mut sockets = send(fixture.envoy.address(), 1_000)?;
    fixture.wait_for("active", 1_000)?;
    drop(sockets.split_off(500));
    fixture.wait_for("active", 500)?;
    assert_eq!(fixture.stat("abandoned_total")?, 500);
    assert_eq!(statuses(sockets), [200; 500]);
    fixture.wait_for("active", 0)?;
    assert_eq!((fixture.app.count(), fixture.stat("errors_total")?), (500, 0));
    Ok(())
}

#[test]
fn does_not_tick_without_held_streams() -> Result<()> {
    let mut fixture = Fixture::start_with(2, &always(json!({"delay": {"fixedDelay": "20ms"}})))?;
    for _ in 0..20 {
        assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    }
    let left = send(fixture.envoy.address(), 10)?;
    drop(left);
    fixture.wait_for("active", 0)?;
    // At level trace Envoy logs every tick of a plugin.
    fixture
        .envoy
        .admin()
        .send(tests::client::Request::new(hyper::Method::POST, "/logging?wasm=trace"))?;
    let ticks = |log: &str| log.matches("proxy_on_tick").count();
    let before = fixture.envoy.log();
    for _ in 0..50 {
        fixture.envoy.admin().get("/ready")?;
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    let idle = fixture.envoy.log();
    assert_eq!(ticks(&idle), ticks(&before), "ticks without a held stream");
    assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    fixture.envoy.wait_for_log("proxy_on_tick")?;
    Ok(())
}

#[test]
fn reconfiguration_loses_no_held_stream() -> Result<()> {
    let slow = always(json!({"delay": {"fixedDelay": "2s"}, "abort": {"httpStatus": 418}}));
    let mut fixture = Fixture::start_with(2, &slow)?;
    let sockets = send(fixture.envoy.address(), 200)?;
    fixture.wait_for("active", 200)?;
    fixture.envoy.reconfigure(&[filter(&always(json!({"abort": {"httpStatus": 503}})))])?;
    assert_eq!(
        fixture.envoy.http1().get("/")?.status,
        503,
        "a new stream uses the new configuration"
    );
    assert_eq!(statuses(sockets), [418; 200], "a held stream keeps its configuration");
    fixture.wait_for("active", 0)?;
    Ok(())
}

#[test]
fn draining_loses_no_held_stream() -> Result<()> {
    let fixture = Fixture::start_with(2, &always(json!({"delay": {"fixedDelay": "1500ms"}})))?;
    let sockets = send(fixture.envoy.address(), 200)?;
    fixture.wait_for("active", 200)?;
    fixture.envoy.drain()?;
    assert_eq!(statuses(sockets), [200; 200]);
    fixture.wait_for("active", 0)?;
    Ok(())
}

#[test]
fn holds_a_response_only_after_it_arrived() -> Result<()> {
    let app = slow_app(Duration::from_millis(1_500))?;
    let delay = json!({"delay": {"fixedDelay": "10s", "phase": "RESPONSE"}});
    let envoy = Envoy::start(EnvoyOptions::new(app.address(), vec![filter(&always(delay))]))?;
    let stat = |name: &str| anyhow::Ok(envoy.stats()?.value(&format!("{PREFIX}{name}")));
    let wait = |name: &str, value: u64| {
        wait_until(&format!("{name} {value}"), TIMEOUT, || Ok(stat(name)? == value))
    };
    // A slot is taken when the request arrives, so that the delay cannot be skipped later.
    let sockets = send(envoy.address(), 3)?;
    wait("active", 3)?;
    drop(sockets);
    wait("active", 0)?;
    assert_eq!(stat("abandoned_total")?, 0, "no response was held yet");
    let sockets = send(envoy.address(), 3)?;
    wait("active", 3)?;
    wait_until("holding the responses", TIMEOUT, || {
        let responses = envoy.stats()?.value("cluster.app.upstream_rq_completed");
        Ok(responses >= 3)
    })?;
    drop(sockets);
    wait("abandoned_total", 3)?;
    wait("active", 0)
}

#[test]
fn stream_idle_timeout_ends_a_longer_delay() -> Result<()> {
    for phase in ["REQUEST", "RESPONSE"] {
        let delay = json!({"delay": {"fixedDelay": "20s", "phase": phase}});
        let route =
            json!({"match": {"prefix": "/"}, "route": {"cluster": "app", "idle_timeout": "0.5s"}});
        let mut fixture = Fixture::start_routed(1, vec![filter(&always(delay))], vec![route])?;
        let status = fixture.envoy.http1().get("/").map_or(0, |response| response.status);
        let log = fixture.envoy.wait_for_access_log(1)?;
        assert_eq!(log[0]["details"], "stream_idle_timeout", "{phase}: {status}");
        assert_eq!(fixture.stat("abandoned_total")?, 1, "{phase}");
        fixture.wait_for("active", 0)?;
        assert_eq!(fixture.stat("errors_total")?, 0, "{phase}");
    }
    Ok(())
}

/// Starts an application that responds after `time`.
fn slow_app(time: Duration) -> Result<Server> {
    Server::start(ports::listen(0)?, move |_| async move {
        tokio::time::sleep(time).await;
        hyper::Response::new(full("done"))
    })
}
