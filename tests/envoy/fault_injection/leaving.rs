//! What becomes of streams that wait when something else happens.

use anyhow::Result;
use serde_json::json;

use super::{
    Rig, always, filter,
    streams::{send, statuses},
};

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
    // Each tick of a plugin is a line of Envoy's trace.
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
    assert_eq!(ticks(&idle), ticks(&before), "ticks without a waiting stream");
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
    assert_eq!(rig.envoy.http1().get("/")?.status, 503, "the new rules");
    assert_eq!(statuses(sockets), [418; 200], "the rules of then");
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
fn many_changes_of_configuration_leave_nothing_behind() -> Result<()> {
    let config = |length| always(json!({"delay": {"fixedDelay": format!("{length}ms")}}));
    let mut rig = Rig::start(&config(100))?;
    for turn in 0..20 {
        let sockets = send(rig.envoy.address(), 10)?;
        rig.envoy.reconfigure(&[filter(&config(101 + turn))])?;
        assert_eq!(statuses(sockets), [200; 10]);
    }
    rig.wait_for("active", 0)
}
