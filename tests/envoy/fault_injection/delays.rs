//! Delays of requests.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::{Rig, always};

#[test]
fn a_request_waits_for_its_delay_and_then_goes_on() -> Result<()> {
    let mut rig = Rig::start(&always(json!({"delay": {"fixedDelay": "200ms"}})))?;
    let begun = Instant::now();
    assert_eq!(rig.envoy.http1().get("/")?.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    assert_eq!(rig.app.count(), 1);
    assert_eq!((rig.stat("delays_total")?, rig.stat("active")?), (1, 0));
    let log = rig.envoy.wait_for_access_log(1)?;
    assert_eq!(log[0]["fault"], "entry=x;delay=200;phase=REQUEST");
    Ok(())
}

#[test]
fn an_abort_comes_after_the_delay() -> Result<()> {
    let fault = json!({"delay": {"fixedDelay": "100ms"}, "abort": {"httpStatus": 504}});
    let rig = Rig::start(&always(fault))?;
    let begun = Instant::now();
    assert_eq!(rig.envoy.http1().get("/")?.status, 504);
    assert!(begun.elapsed() >= Duration::from_millis(100));
    assert_eq!((rig.app.count(), rig.stat("active")?), (0, 0));
    Ok(())
}
