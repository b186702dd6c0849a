//! Limits apply to all workers together, and admit no less than they promise.
//!
//! `WEIR_THOROUGH=1` selects the longer form that releases need.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    envoy::Envoy,
    load::{during, get, load},
    scale::thorough,
    wire::Recorder,
};

use super::{
    admissions::{Numbers, assert_never_over, group, saturated},
    entry, filter, options, stat,
};

/// Units per second of the limits without a key.
const RATE: u32 = 240;
/// Users of the limits with a key, each with its share of the rate.
const USERS: u64 = 4;
/// The paths of the limits.
const PATHS: [&str; 5] = ["/bucket", "/sliding", "/users-bucket", "/users-sliding", "/leased"];
/// Units per second, and depth, of the limit whose units workers take in advance.
const LEASED: u32 = 1_000;
/// The index of its path.
const LEASED_PATH: usize = 4;

/// Returns a limit of each kind.
fn config() -> Value {
    let user = json!([{"httpHeaderName": "x-user"}]);
    let share = RATE / 4;
    json!({"http": [
        entry("bucket", json!({"requests": RATE, "per": "1s", "burst": RATE / 2})),
        entry("sliding", json!({"requests": RATE, "per": "1s", "window": "SLIDING"})),
        entry("users-bucket",
            json!({"requests": share, "per": "1s", "burst": share / 2, "key": user})),
        entry("users-sliding",
            json!({"requests": share, "per": "1s", "window": "SLIDING", "key": user})),
        entry("leased", json!({"requests": LEASED, "per": "1s"})),
    ]})
}

/// Returns the path and the user of a request.
fn target(number: u64) -> (usize, u64) {
    let path = number % 4;
    let user = if path < 2 { 0 } else { number / 4 % USERS };
    (usize::try_from(path).unwrap_or_default(), user)
}

fn uri(path: usize, user: u64) -> String {
    format!("{}/{user}", PATHS.get(path).unwrap_or(&"/"))
}

fn numbers(path: usize) -> Numbers {
    if path == LEASED_PATH {
        let rate = f64::from(LEASED);
        return Numbers::TokenBucket { rate, burst: rate };
    }
    let requests = if path < 2 { RATE } else { RATE / 4 };
    let rate = f64::from(requests);
    match path {
        0 | 2 => Numbers::TokenBucket { rate, burst: rate / 2.0 },
        _ => Numbers::Sliding { requests: requests as usize, per: Duration::from_secs(1) },
    }
}

/// Sends the requests that `target` selects over all connections, as fast as possible.
fn check(
    concurrency: u32,
    connections: usize,
    target: impl Fn(u64) -> (usize, u64) + Copy + Send + Sync + 'static,
) -> Result<()> {
    let app = Recorder::start()?;
    let options = options(app.address(), vec![filter(&config())]);
    let clusters = vec![app.cluster()];
    let envoy = Envoy::start(EnvoyOptions { concurrency, clusters, ..options })?;
    let clock = Instant::now();
    let time = Duration::from_secs(thorough(3, 60));
    let responses = load(
        envoy.address(),
        connections,
        during(time, move |number| {
            let (path, user) = target(number);
            get(&uri(path, user), &[("x-user", &user.to_string())])
        }),
    )?;
    let elapsed = clock.elapsed();
    let mut counted = BTreeMap::<Vec<u8>, usize>::new();
    for request in app.take() {
        let count = counted.entry(request.target).or_default();
        *count = count.saturating_add(1);
    }
    for ((path, user), responses) in group(&responses, target) {
        let numbers = numbers(path);
        let target = uri(path, user);
        let admitted = counted.get(target.as_bytes()).copied().unwrap_or_default();
        let (min, max) = (0.95 * numbers.min(saturated(&responses)), numbers.max(elapsed));
        eprintln!("{target}: {admitted} of {} requests, {min:.0} to {max:.0}", responses.len());
        // Usually several times the limit, less on a busy machine.
        assert!(responses.len() as f64 > 1.25 * max, "the load is too small");
        assert!(admitted as f64 <= max, "{target}: {admitted} of at most {max}");
        assert!(admitted as f64 >= min, "{target}: {admitted} of at least {min}");
        let is_answered = |status| responses.iter().filter(|one| one.status == status).count();
        assert_eq!(is_answered(200), admitted, "{target}");
        assert_eq!(is_answered(200).saturating_add(is_answered(429)), responses.len());
        assert_never_over(&responses, numbers);
    }
    for name in ["contended_total", "evictions_total", "errors_total"] {
        assert_eq!(stat(&envoy, name)?, 0, "{name}");
    }
    Ok(())
}

#[test]
fn four_workers_share_each_limit() -> Result<()> {
    check(4, 32, target)
}

#[test]
fn sixteen_workers_share_each_limit() -> Result<()> {
    check(16, 48, target)
}

#[test]
fn one_connection_gets_the_whole_limit() -> Result<()> {
    check(4, 1, |_| (0, 0))
}

#[test]
fn units_taken_in_advance_never_exceed_the_limit() -> Result<()> {
    check(4, 32, |_| (LEASED_PATH, 0))
}
