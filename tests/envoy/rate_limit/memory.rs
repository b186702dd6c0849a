//! Memory use, and limits of users next to many other keys.
//!
//! `WEIR_THOROUGH=1` selects the longer form that releases need.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use tests::{
    bootstrap::EnvoyOptions,
    envoy::Envoy,
    load::{EmptyRequest, TimedResponse, get, load},
    ports::loopback,
    scale::thorough,
};

use super::{Fixture, assert_no_trap, filter, limit, options, stat};

/// Maximum growth of the process, in MiB.
const MAX_GROWTH: u64 = 24;
/// Users who are at their limit.
const USERS: u64 = 20;
const REQUESTS: u32 = 60;

#[test]
fn many_keys_take_no_units_from_users_and_no_memory() -> Result<()> {
    let keys = thorough(100_000, 1_000_000);
    // Each key is partly used for a minute, so the pages are full soon.
    let key = json!([{"httpHeaderName": "x-user"}]);
    let config = limit(json!({"name": "user", "requests": REQUESTS, "per": "1h", "key": key,
        "maxKeys": 1_000}));
    let options = options(loopback(9), vec![filter(&config)]);
    let route = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let envoy = Envoy::start(EnvoyOptions { concurrency: 2, routes: vec![route], ..options })?;
    let clock = Instant::now();
    let burst = u64::from(REQUESTS) * USERS;
    let used_up = send(&envoy, burst + USERS * 5, of_user)?;
    assert_eq!(admitted(&used_up), burst, "all users are at their limit");
    send(&envoy, 20_000, of_others)?;
    let before = envoy.memory()?;
    // One request in ten is that of a user.
    let responses = send(&envoy, keys, |number| match number % 10 {
        0 => of_user(number / 10),
        _ => of_others(number + 20_000),
    })?;
    let (after, elapsed) = (envoy.memory()?, clock.elapsed());
    let of_users: Vec<_> = responses.into_iter().filter(|one| one.number % 10 == 0).collect();
    let gained = u64::from(REQUESTS) * elapsed.as_secs() / 3_600 + 1;
    assert!(admitted(&of_users) <= gained * USERS, "{} in {elapsed:?}", admitted(&of_users));
    let evictions = stat(&envoy, "evictions_total")?;
    eprintln!(
        "{before} MiB, after {keys} requests {after} MiB, {evictions} evictions, {elapsed:?}"
    );
    assert!(evictions > keys / 2, "{evictions}: the pages were not full");
    assert!(after.saturating_sub(before) <= MAX_GROWTH, "{before} MiB grew to {after} MiB");
    assert_eq!(stat(&envoy, "errors_total")?, 0);
    assert_no_trap(&envoy);
    Ok(())
}

fn of_user(number: u64) -> EmptyRequest {
    get("/", &[("x-user", &format!("user-{}", number % USERS))])
}

fn of_others(number: u64) -> EmptyRequest {
    get("/", &[("x-user", &number.to_string())])
}

fn send(envoy: &Envoy, count: u64, request: fn(u64) -> EmptyRequest) -> Result<Vec<TimedResponse>> {
    load(envoy.address(), 16, move |number| (number < count).then(|| request(number)))
}

fn admitted(responses: &[TimedResponse]) -> u64 {
    responses.iter().map(|response| u64::from(response.status == 200)).sum()
}

#[test]
fn memory_does_not_grow_with_reconfigurations() -> Result<()> {
    let changes = thorough(20, 1_000);
    let key = json!([{"useSourceIp": true}]);
    let config = |requests: u64| {
        limit(json!({"name": "user", "requests": requests, "per": "1s", "key": key, "wait": "1s"}))
    };
    let mut fixture = Fixture::start(&config(100))?;
    let mut before = 0;
    for index in 0..changes {
        fixture.envoy.reconfigure(&[filter(&config(index.saturating_add(101)))])?;
        assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
        if index == changes / 5 {
            before = fixture.envoy.memory()?;
        }
    }
    let after = fixture.envoy.memory()?;
    eprintln!("{before} MiB after a fifth of {changes} changes, {after} MiB after all");
    assert!(after.saturating_sub(before) <= MAX_GROWTH, "{before} MiB grew to {after} MiB");
    Ok(())
}
