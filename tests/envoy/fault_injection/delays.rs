//! Delays of requests.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::{Fixture, always};

#[test]
fn forwards_a_request_after_its_delay() -> Result<()> {
    let mut fixture = Fixture::start(&always(json!({"delay": {"fixedDelay": "200ms"}})))?;
    let started = Instant::now();
    assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
    assert_eq!(fixture.app.count(), 1);
    assert_eq!((fixture.stat("delays_total")?, fixture.stat("active")?), (1, 0));
    let log = fixture.envoy.wait_for_access_log(1)?;
    assert_eq!(log[0]["fault"], "entry=x;delay=200;phase=REQUEST");
    Ok(())
}

#[test]
fn aborts_after_the_delay() -> Result<()> {
    let fault = json!({"delay": {"fixedDelay": "100ms"}, "abort": {"httpStatus": 504}});
    let fixture = Fixture::start(&always(fault))?;
    let started = Instant::now();
    assert_eq!(fixture.envoy.http1().get("/")?.status, 504);
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert_eq!((fixture.app.count(), fixture.stat("active")?), (0, 0));
    Ok(())
}
