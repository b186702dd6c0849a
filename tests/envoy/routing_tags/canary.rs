//! A canary that fails is taken back by all workers.

use std::thread;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request, upstream::REPLY_STATUS};

use super::{FILTER, Rig};

/// A canary that has half of the traffic since long ago.
fn config(fields: Value) -> Value {
    let mut canary = json!({
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-01-01T00:00:00Z",
        "initialWeight": 50, "increment": 1, "interval": "60s", "maxWeight": 50,
    });
    if let (Some(canary), Value::Object(fields)) = (canary.as_object_mut(), fields) {
        canary.extend(fields);
    }
    json!({"http": [{"name": "api", "canary": canary}]})
}

/// Sends requests from four clients, of which one in `every` gets an error; none where it is 0.
fn load(rig: &Rig, count: usize, every: usize) -> Result<()> {
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    for number in 0..count / 4 {
                        let bad = number.checked_rem(every) == Some(1);
                        let status = if bad { "503" } else { "200" };
                        rig.send(Request::get("/").header(REPLY_STATUS, status))?;
                    }
                    Ok(())
                })
            })
            .collect();
        let join = |client: thread::ScopedJoinHandle<'_, Result<()>>| {
            client.join().map_err(|_| anyhow!("a client panicked"))?
        };
        clients.into_iter().try_for_each(join)
    })
}

#[test]
fn a_canary_that_fails_too_often_is_rolled_back_by_all_workers() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 1}, "minRequestCount": 100});
    let config = config(json!({"successCriteria": criteria}));
    let mut rig = Rig::start_with(4, vec![Filter::new(FILTER, config)])?;
    assert_eq!(rig.stat("canary_api_rolled_back")?, 0);
    load(&rig, 100, 0)?;
    assert_eq!(rig.stat("canary_api_weight")?, 5_000);
    assert_eq!(rig.stat("canary_api_errors_total")?, 0);
    assert!(rig.canary.count() > 20, "{}", rig.canary.count());
    load(&rig, 1_200, 20)?;
    assert_eq!(rig.stat("canary_api_rolled_back")?, 1);
    let (served, errors) = (rig.canary.count(), rig.stat("canary_api_errors_total")?);
    assert!((100..600).contains(&served), "{served}");
    assert!((2..30).contains(&errors), "{errors}");
    assert_eq!(rig.stat("canary_api_requests_total")?, u64::try_from(served)?);
    load(&rig, 200, 20)?;
    assert_eq!(rig.canary.count(), served, "nobody is sent to it any more");
    assert_eq!(rig.stat("canary_api_weight")?, 0);
    rig.envoy.wait_for_log("canary of api rolled back: ")?;
    let log = rig.envoy.log();
    assert_eq!(log.matches("canary of api rolled back: ").count(), 1, "one worker tells");
    Ok(())
}

#[test]
fn a_canary_that_is_well_goes_on() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 30}, "minRequestCount": 50});
    let rig = Rig::start(config(json!({"successCriteria": criteria})))?;
    load(&rig, 400, 10)?;
    assert_eq!(rig.stat("canary_api_rolled_back")?, 0);
    assert!(rig.stat("canary_api_errors_total")? > 0);
    let before = rig.canary.count();
    load(&rig, 40, 10)?;
    assert!(rig.canary.count() > before);
    Ok(())
}

#[test]
fn another_configuration_tries_again() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 1}, "minRequestCount": 20});
    let fields = json!({"successCriteria": criteria});
    let mut rig = Rig::start(config(fields.clone()))?;
    load(&rig, 200, 2)?;
    assert_eq!(rig.stat("canary_api_rolled_back")?, 1);
    let mut changed = config(fields);
    changed["http"][0]["canary"]["maxWeight"] = json!(49);
    rig.envoy.reconfigure(&[Filter::new(FILTER, changed)])?;
    assert_eq!(rig.stat("canary_api_rolled_back")?, 0);
    let before = rig.canary.count();
    load(&rig, 40, 0)?;
    assert!(rig.canary.count() > before);
    assert_eq!(rig.stat("canary_api_weight")?, 4_900);
    Ok(())
}

#[test]
fn grpc_answers_are_counted_by_their_trailers() -> Result<()> {
    let rig = Rig::start(config(json!({"initialWeight": 100, "maxWeight": 100})))?;
    for _ in 0..20 {
        let answer = rig.envoy.http2().send(Request::grpc("/shop.Cart/Get"))?;
        assert_eq!(answer.grpc_status(), Some("0"));
    }
    assert_eq!(rig.canary.count(), 20);
    assert_eq!(rig.stat("canary_api_requests_total")?, 20);
    assert_eq!(rig.stat("canary_api_errors_total")?, 0);
    Ok(())
}

#[test]
fn no_weight_takes_everyone_back() -> Result<()> {
    let rig = Rig::start(config(json!({"maxWeight": 0})))?;
    load(&rig, 100, 0)?;
    assert_eq!((rig.canary.count(), rig.stable.count()), (0, 100));
    Ok(())
}
