//! Limits of faults with four workers under full load.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, anyhow};
use serde_json::json;
use tests::{
    load::{TimedResponse, during, get, load},
    timestamp::rfc3339,
    upstream::REPLY_STATUS,
};

use super::{Fixture, always, filter, with};

const WORKERS: u32 = 4;
const CONNECTIONS: usize = 32;

#[test]
fn fault_rate_is_accurate_within_one_percent() -> Result<()> {
    const PER_SECOND: u32 = 500;
    let config = always(json!({"abort": {"httpStatus": 418}}));
    let fixture =
        Fixture::start_with(WORKERS, &with(config, "maxFaultsPerSecond", json!(PER_SECOND)))?;
    let started = SystemTime::now();
    let all = Duration::from_millis(12_500);
    let responses = load(fixture.envoy.address(), CONNECTIONS, during(all, |_| get("/", &[])))?;
    // The first second uses up the tokens in the bucket.
    let (from, to) = (Duration::from_millis(1_500), Duration::from_millis(11_500));
    let at =
        |response: &TimedResponse| response.started.duration_since(started).unwrap_or_default();
    let faults: Vec<_> = responses.iter().filter(|response| response.status == 418).collect();
    let inside = faults.iter().filter(|fault| (from..to).contains(&at(fault))).count();
    eprintln!("{inside} faults in 10 s of {} requests in 12.5 s", responses.len());
    assert!(inside.abs_diff(5_000) <= 50, "{inside} of 5000");
    let max = f64::from(PER_SECOND) * (1.0 + started.elapsed()?.as_secs_f64());
    assert!(faults.len() as f64 <= max, "{} of at most {max}", faults.len());
    assert!(responses.len() > faults.len().saturating_mul(2), "the load is too small");
    Ok(())
}

#[test]
fn never_holds_more_than_max_active_faults() -> Result<()> {
    let slow = always(json!({"delay": {"fixedDelay": "100ms"}}));
    let fixture = Fixture::start_with(WORKERS, &with(slow, "maxActiveFaults", json!(25)))?;
    let address = fixture.envoy.address();
    let max_held = thread::scope(|scope| {
        let time = Duration::from_secs(4);
        let client = scope.spawn(move || load(address, 64, during(time, |_| get("/", &[]))));
        let mut max_held = 0;
        while !client.is_finished() {
            max_held = max_held.max(fixture.stat("active")?);
        }
        let responses = client.join().map_err(|_| anyhow!("the client panicked"))??;
        let delay = Duration::from_millis(100);
        let held = responses.iter().filter(|response| response.elapsed >= delay).count();
        eprintln!("at most {max_held} held at a time, {held} of {} in total", responses.len());
        assert!(responses.iter().all(|response| response.status == 200));
        // 25 at a time for 0.1 s each make 1,000 in 4 s. A busy machine reaches at least a quarter.
        assert!(held >= 250 && responses.len() > held, "{held}");
        anyhow::Ok(max_held)
    })?;
    assert!((1..=25).contains(&max_held), "{max_held}");
    assert!(fixture.stat("skipped_overflow_total")? > 0);
    fixture.wait_for("active", 0)
}

#[test]
fn no_fault_starts_after_expiry() -> Result<()> {
    let fault = always(json!({"delay": {"fixedDelay": "20ms"}, "abort": {"httpStatus": 418}}));
    let mut fixture = Fixture::start_with(WORKERS, &fault)?;
    // The schedule starts from here, because Envoy may take long to start.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().saturating_add(10);
    let end = UNIX_EPOCH + Duration::from_secs(seconds);
    let schedule = json!({"expiresAt": rfc3339(seconds)});
    fixture.envoy.reconfigure(&[filter(&with(fault, "schedule", schedule))])?;
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    let time = left.saturating_add(Duration::from_secs(2));
    let responses = load(fixture.envoy.address(), CONNECTIONS, during(time, |_| get("/", &[])))?;
    let (before, after): (Vec<&TimedResponse>, Vec<&TimedResponse>) =
        responses.iter().partition(|response| response.started < end);
    let passed = |response: &&TimedResponse| response.status == 200;
    assert!(after.len() > 100 && after.iter().all(passed), "a fault after the expiry");
    // A delay that lasts beyond the expiry is not followed by an abort.
    let early = Duration::from_millis(500);
    let is_early = |response: &&&TimedResponse| {
        response.started.checked_add(early).is_some_and(|latest| latest < end)
    };
    let aborted: Vec<_> = before.iter().filter(is_early).collect();
    let is_abort = |response: &&&TimedResponse| response.status == 418;
    assert!(aborted.len() > 10 && aborted.iter().all(is_abort), "no fault before the expiry");
    fixture.envoy.wait_for_log("the schedule ends")?;
    let log = fixture.envoy.stop()?;
    assert_eq!(log.matches("the schedule ends").count(), 1, "exactly one line for all workers");
    Ok(())
}

#[test]
fn stops_once_and_within_one_window() -> Result<()> {
    let window = Duration::from_secs(5);
    let criteria = json!({"maxErrorRate": {"value": 5}, "minRequestCount": 200, "window": "5s"});
    let fault = json!({"http": [{"name": "x",
        "fault": {"abort": {"percentage": {"value": 10}, "httpStatus": 418}}}]});
    let mut fixture = Fixture::start_with(WORKERS, &with(fault, "successCriteria", criteria))?;
    let address = fixture.envoy.address();
    let healthy = load(address, CONNECTIONS, during(window, |_| get("/", &[])))?;
    assert_eq!(fixture.stat("stopped")?, 0, "{} responses without an error", healthy.len());
    let (started, clock) = (SystemTime::now(), Instant::now());
    // From here on a fifth of the responses are errors.
    let failing = |number: u64| match number.checked_rem(5) {
        Some(0) => get("/", &[(REPLY_STATUS, "500")]),
        _ => get("/", &[]),
    };
    let failing_load = load(address, CONNECTIONS, during(window.saturating_mul(2), failing))?;
    eprintln!("{} requests in {:?}", failing_load.len(), clock.elapsed());
    assert_eq!(fixture.stat("stopped")?, 1);
    let faults =
        |all: &[TimedResponse]| all.iter().filter(|response| response.status == 418).count();
    assert!(faults(&healthy) > healthy.len() / 20, "too few faults before the stop");
    let last = failing_load
        .iter()
        .filter(|response| response.status == 418)
        .map(|fault| fault.started)
        .max();
    let duration = last.and_then(|last| last.duration_since(started).ok()).unwrap_or_default();
    eprintln!("the last fault started {duration:?} after the first error");
    assert!(duration < window, "{duration:?}");
    assert!(fixture.stat("skipped_stopped_total")? > 0);
    fixture.envoy.wait_for_log("errors in")?;
    let log = fixture.envoy.stop()?;
    assert_eq!(log.matches("stopped: ").count(), 1, "exactly one line for all workers");
    Ok(())
}
