//! Canaries grow on schedule, and all workers roll back a failing one.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tests::{
    bootstrap::Filter,
    client::Request,
    process::wait_until,
    suite, timestamp,
    upstream::{REPLY_GRPC_STATUS, REPLY_STATUS, Upstream},
};

use super::{FILTER, Fixture};

/// Returns a canary that has reached its maximum weight of 50 %, with these fields changed.
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

/// Sends `count` requests from four clients. One in `every` gets an error, none if `every` is 0.
fn load(fixture: &Fixture, count: usize, every: usize) -> Result<()> {
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    for number in 0..count / 4 {
                        let bad = number.checked_rem(every) == Some(1);
                        let status = if bad { "503" } else { "200" };
                        fixture.send(Request::get("/").header(REPLY_STATUS, status))?;
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

/// Waits until no worker sends requests to the canary.
fn wait_until_unused(fixture: &Fixture) -> Result<()> {
    wait_until("sending all requests to the baseline", Duration::from_secs(10), || {
        let before = fixture.canary.count();
        load(fixture, 80, 0)?;
        Ok(fixture.canary.count() == before)
    })
}

#[test]
fn all_workers_roll_back_a_failing_canary() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 1}, "minRequestCount": 100});
    let config = config(json!({"successCriteria": criteria}));
    let mut fixture = Fixture::start_with(4, vec![Filter::new(FILTER, config)])?;
    fixture.counts(&[("canary_api_rolled_back", 0), ("canary_api_weight", 5_000)])?;
    load(&fixture, 100, 0)?;
    let healthy = u64::try_from(fixture.canary.count())?;
    assert!((20..80).contains(&healthy), "{healthy} of 100 at 50 %");
    fixture.counts(&[("canary_api_requests_total", healthy), ("canary_api_errors_total", 0)])?;
    let failing = Instant::now();
    load(&fixture, 1_200, 20)?;
    fixture.counts(&[("canary_api_rolled_back", 1)])?;
    assert!(failing.elapsed() < Duration::from_secs(60), "the errors did not fall into one window");
    wait_until_unused(&fixture)?;
    let served = u64::try_from(fixture.canary.count())?;
    fixture.counts(&[("canary_api_weight", 0), ("canary_api_requests_total", served)])?;
    let errors = fixture.stat("canary_api_errors_total")?;
    // The second error in a hundred requests exceeds 1 %.
    assert!((2..60).contains(&errors), "{errors}");
    fixture.envoy.wait_for_log("canary of api rolled back: ")?;
    let log = fixture.envoy.log();
    assert_eq!(
        log.matches("canary of api rolled back: ").count(),
        1,
        "exactly one line for all workers"
    );
    Ok(())
}

#[test]
fn rolls_back_an_unreachable_canary() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 10}, "minRequestCount": 50});
    let config = config(json!({"successCriteria": criteria}));
    let mut fixture = Fixture::start_with(4, vec![Filter::new(FILTER, config)])?;
    load(&fixture, 80, 0)?;
    // The canary's port is closed, so Envoy responds with 503.
    drop(std::mem::replace(&mut fixture.canary, Upstream::start()?));
    load(&fixture, 400, 0)?;
    fixture.counts(&[("canary_api_rolled_back", 1), ("canary_api_weight", 0)])?;
    let refused = || Ok(fixture.send(Request::get("/"))?.status == 503);
    wait_until("serving all requests from the baseline", Duration::from_secs(10), || {
        let failed: Vec<bool> = (0..40).map(|_| refused()).collect::<Result<_>>()?;
        Ok(!failed.contains(&true))
    })
}

#[test]
fn keeps_a_healthy_canary() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 30}, "minRequestCount": 50});
    let fixture = Fixture::start(config(json!({"successCriteria": criteria})))?;
    load(&fixture, 400, 10)?;
    let before = fixture.canary.count();
    fixture.counts(&[
        ("canary_api_requests_total", u64::try_from(before)?),
        ("canary_api_rolled_back", 0),
    ])?;
    assert!(fixture.stat("canary_api_errors_total")? > 0);
    load(&fixture, 40, 10)?;
    assert!(fixture.canary.count() > before);
    Ok(())
}

#[test]
fn a_canary_grows_on_schedule_and_keeps_its_users() -> Result<()> {
    // Half of the users after a time in which Envoy starts, all users ten seconds later. The suite
    // is compiled for twice as long.
    let start = Duration::from_secs(if suite::is_enabled() { 40 } else { 15 });
    let ramp = json!({
        "startsAt": timestamp::in_the_future(start),
        "initialWeight": 50, "increment": 50, "interval": "10s", "maxWeight": 100,
    });
    let mut config = config(ramp);
    config["http"][0]["consistentHash"] = json!({"httpHeaderName": "x-user"});
    let fixture = Fixture::start_with(4, vec![Filter::new(FILTER, config)])?;
    let in_canary = || -> Result<Vec<bool>> {
        let user = |user: u32| Request::get("/").header("x-user", format!("user-{user}"));
        (0..60).map(|number| Ok(fixture.tags(user(number))? == ["canary"])).collect()
    };
    assert!(
        in_canary()?.iter().all(|in_canary| !in_canary),
        "a user is in the canary before it starts"
    );
    let mut before = vec![false; 60];
    for (weight, least) in [(5_000, 15), (10_000, 60)] {
        wait_until("reaching the next weight", Duration::from_secs(60), || {
            Ok(fixture.stat("canary_api_weight")? == weight)
        })?;
        for _ in 0..4 {
            let now = in_canary()?;
            let left = before.iter().zip(&now).any(|(before, now)| *before && !now);
            assert!(!left, "a user left the canary");
            assert!(now.iter().filter(|in_canary| **in_canary).count() >= least, "{now:?}");
            before = now;
        }
    }
    assert_eq!(fixture.stat("canary_api_rolled_back")?, 0);
    Ok(())
}

#[test]
fn a_new_configuration_ends_the_rollback() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 1}, "minRequestCount": 20});
    let fields = json!({"successCriteria": criteria});
    let mut fixture = Fixture::start(config(fields.clone()))?;
    load(&fixture, 200, 2)?;
    fixture.counts(&[("canary_api_rolled_back", 1)])?;
    let mut changed = config(fields);
    changed["http"][0]["canary"]["maxWeight"] = json!(49);
    fixture.envoy.reconfigure(&[Filter::new(FILTER, changed)])?;
    fixture.counts(&[("canary_api_rolled_back", 0), ("canary_api_weight", 4_900)])?;
    let before = fixture.canary.count();
    load(&fixture, 40, 0)?;
    assert!(fixture.canary.count() > before);
    Ok(())
}

#[test]
fn counts_grpc_responses_by_their_trailers() -> Result<()> {
    let fixture = Fixture::start(config(json!({"initialWeight": 100, "maxWeight": 100})))?;
    for status in ["0", "14", "5", "13", "0"] {
        let call = Request::grpc("/shop.Cart/Get").header(REPLY_GRPC_STATUS, status);
        assert_eq!(fixture.envoy.http2().send(call)?.grpc_status(), Some(status));
    }
    assert_eq!(fixture.canary.count(), 5);
    // UNAVAILABLE and INTERNAL are server errors, NOT_FOUND is not.
    fixture.counts(&[("canary_api_requests_total", 5), ("canary_api_errors_total", 2)])
}

#[test]
fn max_weight_zero_disables_the_canary() -> Result<()> {
    let fixture = Fixture::start(config(json!({"maxWeight": 0})))?;
    load(&fixture, 100, 0)?;
    assert_eq!((fixture.canary.count(), fixture.stable.count()), (0, 100));
    fixture.counts(&[("canary_api_weight", 0), ("rule_api_tag_stable_total", 100)])
}

#[test]
fn dry_run_shows_the_weight_and_rolls_nothing_back() -> Result<()> {
    let criteria = json!({"maxErrorRate": {"value": 1}, "minRequestCount": 10});
    let mut config = config(json!({"successCriteria": criteria}));
    config["dryRun"] = json!(true);
    let fixture = Fixture::start(config)?;
    load(&fixture, 100, 2)?;
    assert_eq!(fixture.canary.count(), 0);
    fixture.counts(&[("dry_run_total", 100), ("canary_api_weight", 5_000)])?;
    assert_eq!(fixture.stat("canary_api_rolled_back")?, 0);
    Ok(())
}
