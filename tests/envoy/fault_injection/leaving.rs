//! Held streams when clients reset, the configuration changes, or the listener drains.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tests::{
    bootstrap::Setup,
    envoy::Envoy,
    ports,
    process::wait_until,
    server::{Server, full},
};

use super::{
    Rig, always, filter,
    streams::{LIMIT, send, statuses},
};

const PREFIX: &str = "wasmcustom.weir_fault_injection_";

#[test]
fn clients_that_leave_while_waiting_leave_nothing_behind() -> Result<()> {
    let rig = Rig::start_with(2, &always(json!({"delay": {"fixedDelay": "3s"}})))?;
    let mut sockets = send(rig.envoy.address(), 1_000)?;
    rig.wait_for("active", 1_000)?;
    drop(sockets.split_off(500));
    rig.wait_for("active", 500)?;
    assert_eq!(rig.stat("abandoned_total")?, 500);
    assert_eq!(statuses(sockets), [200; 500]);
    rig.wait_for("active", 0)?;
    assert_eq!((rig.app.count(), rig.stat("errors_total")?), (500, 0));
    Ok(())
}

#[test]
fn nothing_ticks_when_nothing_waits() -> Result<()> {
    let mut rig = Rig::start_with(2, &always(json!({"delay": {"fixedDelay": "20ms"}})))?;
    for _ in 0..20 {
        assert_eq!(rig.envoy.http1().get("/")?.status, 200);
    }
    let left = send(rig.envoy.address(), 10)?;
    drop(left);
    rig.wait_for("active", 0)?;
    // At level trace Envoy logs every tick of a plugin.
    rig.envoy
        .admin()
        .send(tests::client::Request::new(hyper::Method::POST, "/logging?wasm=trace"))?;
    let ticks = |log: &str| log.matches("proxy_on_tick").count();
    let before = rig.envoy.log();
    for _ in 0..50 {
        rig.envoy.admin().get("/ready")?;
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    let idle = rig.envoy.log();
    assert_eq!(ticks(&idle), ticks(&before), "ticks without a held stream");
    assert_eq!(rig.envoy.http1().get("/")?.status, 200);
    rig.envoy.wait_for_log("proxy_on_tick")?;
    Ok(())
}

#[test]
fn a_change_of_configuration_loses_no_waiting_stream() -> Result<()> {
    let slow = always(json!({"delay": {"fixedDelay": "2s"}, "abort": {"httpStatus": 418}}));
    let mut rig = Rig::start_with(2, &slow)?;
    let sockets = send(rig.envoy.address(), 200)?;
    rig.wait_for("active", 200)?;
    rig.envoy.reconfigure(&[filter(&always(json!({"abort": {"httpStatus": 503}})))])?;
    assert_eq!(rig.envoy.http1().get("/")?.status, 503, "a new stream uses the new configuration");
    assert_eq!(statuses(sockets), [418; 200], "a held stream keeps its configuration");
    rig.wait_for("active", 0)?;
    Ok(())
}

#[test]
fn draining_loses_no_waiting_stream() -> Result<()> {
    let rig = Rig::start_with(2, &always(json!({"delay": {"fixedDelay": "1500ms"}})))?;
    let sockets = send(rig.envoy.address(), 200)?;
    rig.wait_for("active", 200)?;
    rig.envoy.drain()?;
    assert_eq!(statuses(sockets), [200; 200]);
    rig.wait_for("active", 0)?;
    Ok(())
}

#[test]
fn an_answer_is_held_only_once_it_is_there() -> Result<()> {
    let app = slow_app(Duration::from_millis(1_500))?;
    let delay = json!({"delay": {"fixedDelay": "10s", "phase": "RESPONSE"}});
    let envoy = Envoy::start(Setup::new(app.address(), vec![filter(&always(delay))]))?;
    let stat = |name: &str| anyhow::Ok(envoy.stats()?.value(&format!("{PREFIX}{name}")));
    let wait = |name: &str, value: u64| {
        wait_until(&format!("{name} {value}"), LIMIT, || Ok(stat(name)? == value))
    };
    // A slot is taken when the request arrives, so that the delay cannot be skipped later.
    let sockets = send(envoy.address(), 3)?;
    wait("active", 3)?;
    drop(sockets);
    wait("active", 0)?;
    assert_eq!(stat("abandoned_total")?, 0, "no response was held yet");
    let sockets = send(envoy.address(), 3)?;
    wait("active", 3)?;
    wait_until("held", LIMIT, || {
        let answers = envoy.stats()?.value("cluster.app.upstream_rq_completed");
        Ok(answers >= 3)
    })?;
    drop(sockets);
    wait("abandoned_total", 3)?;
    wait("active", 0)
}

#[test]
fn the_proxys_own_timeout_ends_a_longer_hold() -> Result<()> {
    for phase in ["REQUEST", "RESPONSE"] {
        let delay = json!({"delay": {"fixedDelay": "20s", "phase": phase}});
        let route =
            json!({"match": {"prefix": "/"}, "route": {"cluster": "app", "idle_timeout": "0.5s"}});
        let mut rig = Rig::start_routed(1, vec![filter(&always(delay))], vec![route])?;
        let status = rig.envoy.http1().get("/").map_or(0, |answer| answer.status);
        let log = rig.envoy.wait_for_access_log(1)?;
        assert_eq!(log[0]["details"], "stream_idle_timeout", "{phase}: {status}");
        assert_eq!(rig.stat("abandoned_total")?, 1, "{phase}");
        rig.wait_for("active", 0)?;
        assert_eq!(rig.stat("errors_total")?, 0, "{phase}");
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
