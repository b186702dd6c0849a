//! Memory use and punctuality over many faults and many configurations.
//!
//! `WEIR_THOROUGH=1` selects the longer form that releases need.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{bootstrap::Setup, envoy::Envoy, scale::thorough};

use super::{
    Rig, all, always, filter,
    load::{get, load},
    streams::{send, statuses},
};

/// Maximum growth of the process, in MiB.
const GROWTH: u64 = 24;

/// Returns a configuration with an entry for every kind of fault.
fn every_fault() -> Value {
    let on = |path: &str, fault: Value| {
        json!({"name": path.trim_start_matches('/'),
        "match": [{"uri": {"exact": path}}], "fault": all(fault)})
    };
    json!({"http": [
        on("/delay", json!({"delay": {"fixedDelay": "1ms"}})),
        on("/abort", json!({"abort": {"httpStatus": 418}})),
        on("/late", json!({"delay": {"fixedDelay": "1ms", "phase": "RESPONSE"},
            "abort": {"httpStatus": 418, "phase": "RESPONSE"}})),
        on("/change", json!({"response": {"httpStatus": 418, "body": {"string": "other"}}})),
        on("/slow", json!({"responseRateLimit": {"fixedLimit": {"limitKbps": 1_048_576}}})),
        on("/reset", json!({"abort": {"reset": {}}})),
    ]})
}

/// Returns a route with a direct response, which needs no application.
fn answer_at_once() -> Value {
    json!({"match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "the answer"}}})
}

const PATHS: [&str; 6] = ["/delay", "/abort", "/late", "/change", "/slow", "/reset"];

#[test]
fn many_faults_do_not_fill_the_memory() -> Result<()> {
    let faults = thorough(20_000, 1_000_000);
    let nowhere = tests::ports::loopback(9);
    let setup = Setup::new(nowhere, vec![filter(&every_fault())]);
    let envoy = Envoy::start(Setup { concurrency: 2, routes: vec![answer_at_once()], ..setup })?;
    let ask = |count: u64| {
        load(envoy.address(), 16, move |number| {
            // Few resets, because each one ends its connection.
            let kind = if number.is_multiple_of(200) { 5 } else { number % 5 };
            let path = PATHS.get(usize::try_from(kind).ok()?)?;
            (number < count).then(|| get(path, &[]))
        })
    };
    ask(10_000)?;
    let before = envoy.memory()?;
    let answers = ask(faults)?;
    let after = envoy.memory()?;
    eprintln!("{before} MiB, after {} further faults {after} MiB", answers.len());
    assert_eq!(u64::try_from(answers.len())?, faults);
    let stats = envoy.stats()?;
    let stat = |name: &str| stats.value(&format!("wasmcustom.weir_fault_injection_{name}"));
    let counted: u64 = ["delays", "aborts", "responses", "rate_limits", "resets"]
        .iter()
        .map(|name| stat(&format!("{name}_total")))
        .sum();
    // A delayed abort is counted as a delay as well.
    assert!(counted > faults, "{counted}");
    assert_eq!((stat("active"), stat("errors_total")), (0, 0));
    assert!(after.saturating_sub(before) <= GROWTH, "{before} MiB grew to {after} MiB");
    Ok(())
}

#[test]
fn many_changes_of_configuration_leave_nothing_behind() -> Result<()> {
    let changes = thorough(20, 1_000);
    let config = |length| always(json!({"delay": {"fixedDelay": format!("{length}ms")}}));
    let mut rig = Rig::start(&config(100))?;
    let mut before = 0;
    for turn in 0..changes {
        let sockets = send(rig.envoy.address(), 10)?;
        rig.envoy.reconfigure(&[filter(&config(101_u64.saturating_add(turn)))])?;
        assert_eq!(statuses(sockets), [200; 10]);
        if turn == changes / 5 {
            before = rig.envoy.memory()?;
        }
    }
    rig.wait_for("active", 0)?;
    let after = rig.envoy.memory()?;
    eprintln!("{before} MiB after a fifth of {changes} changes, {after} MiB after all");
    assert!(after.saturating_sub(before) <= GROWTH, "{before} MiB grew to {after} MiB");
    Ok(())
}

#[test]
fn nobody_goes_on_early() -> Result<()> {
    let delays = thorough(5_000, 100_000);
    let length = Duration::from_millis(20);
    let rig = Rig::start_with(2, &always(json!({"delay": {"fixedDelay": "20ms"}})))?;
    let answers =
        load(rig.envoy.address(), 200, move |number| (number < delays).then(|| get("/", &[])))?;
    assert_eq!(u64::try_from(answers.len())?, delays);
    let early =
        answers.iter().filter(|answer| answer.took < length || answer.status != 200).count();
    let shortest = answers.iter().map(|answer| answer.took).min().unwrap_or_default();
    eprintln!("{early} of {delays} too short, the shortest took {shortest:?}");
    assert_eq!(early, 0);
    Ok(())
}
