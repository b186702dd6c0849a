//! No push of a configuration or a module under load admits a request beyond the limit.
//!
//! `WEIR_THOROUGH=1` selects the longer form that releases need.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tests::{
    bootstrap::{Drain, EnvoyOptions},
    envoy::Envoy,
    load::{get, load},
    scale::thorough,
    wire::Recorder,
};

use super::{
    admissions::{Numbers, assert_never_over, group},
    configuration::other_module,
    entry, filter, options, stat,
};

const RATE: u32 = 100;
const BURST: u32 = 20;
const USERS: u64 = 3;
const WORKERS: u32 = 4;

/// Returns limits with and without a key. The number only changes the configuration.
fn config(number: u64) -> Value {
    let numbers = |key: Value| json!({"requests": RATE, "per": "1s", "burst": BURST, "key": key});
    json!({"maxWaiting": number.saturating_add(1), "http": [
        entry("all", numbers(json!([]))),
        entry("user", numbers(json!([{"httpHeaderName": "x-user"}]))),
    ]})
}

/// Returns the path and the user of a request.
fn target(number: u64) -> (&'static str, u64) {
    if number.is_multiple_of(4) { ("/all", 0) } else { ("/user", number % USERS) }
}

#[test]
fn pushes_under_load_admit_nothing_beyond_the_limit() -> Result<()> {
    let pushes = thorough(50, 1_000);
    let app = Recorder::start()?;
    let options = options(app.address(), vec![filter(&config(0))]);
    let options = EnvoyOptions { concurrency: WORKERS, clusters: vec![app.cluster()], ..options };
    // Replaced listeners end soon, so that there are never many.
    let mut envoy = Envoy::start(EnvoyOptions { drain: Drain::Gradual(1), ..options })?;
    let folder = tempfile::tempdir()?;
    let module = other_module(&folder)?;
    let is_done = Arc::new(AtomicBool::new(false));
    let (address, clock) = (envoy.address(), Instant::now());
    let done = Arc::clone(&is_done);
    let client = thread::spawn(move || {
        load(address, 16, move |number| {
            let (path, user) = target(number);
            let request = || get(&format!("{path}/{user}"), &[("x-user", &user.to_string())]);
            (!done.load(Ordering::Relaxed)).then(request)
        })
    });
    let push = |envoy: &mut Envoy| {
        for number in 1..=pushes {
            let filter = filter(&config(number));
            // Every tenth push brings another module.
            let is_other = number / 10 % 2 == 1;
            let filter = if is_other { filter.module(&module) } else { filter };
            envoy.reconfigure(&[filter])?;
        }
        anyhow::Ok(())
    };
    let pushed = push(&mut envoy);
    is_done.store(true, Ordering::Relaxed);
    let responses = client.join().map_err(|_| anyhow!("the client panicked"))??;
    pushed?;
    let elapsed = clock.elapsed();
    let numbers = Numbers::TokenBucket { rate: f64::from(RATE), burst: f64::from(BURST) };
    let received = app.take();
    for ((path, user), responses) in group(&responses, target) {
        let target = format!("{path}/{user}");
        let admitted = received.iter().filter(|one| one.target == target.as_bytes()).count();
        let max = numbers.max(elapsed);
        let offered = responses.len();
        eprintln!("{target}: {admitted} of {offered} in {elapsed:?}, at most {max:.0}");
        assert!(admitted as f64 <= max, "{target}: {admitted} of at most {max}");
        assert!(admitted as f64 >= 0.8 * max, "{target}: {admitted} of {max}");
        assert!(offered > admitted.saturating_mul(2), "{target}: the load is too small");
        assert_never_over(&responses, numbers);
    }
    for name in ["errors_total", "contended_total", "evictions_total"] {
        assert_eq!(stat(&envoy, name)?, 0, "{name}");
    }
    super::assert_no_trap(&envoy);
    Ok(())
}
