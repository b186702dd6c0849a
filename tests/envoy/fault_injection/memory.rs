//! Memory use and punctuality over many faults and many configurations.
//!
//! `WEIR_THOROUGH=1` selects the longer form that releases need.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    envoy::Envoy,
    load::{get, load},
    scale::thorough,
};

use super::{
    Fixture, all, always, filter,
    streams::{send, statuses},
};

/// Maximum growth of the process, in MiB.
const MAX_GROWTH: u64 = 24;

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
fn direct_response() -> Value {
    json!({"match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "the answer"}}})
}

const PATHS: [&str; 6] = ["/delay", "/abort", "/late", "/change", "/slow", "/reset"];

#[test]
fn memory_does_not_grow_with_faults() -> Result<()> {
    let faults = thorough(20_000, 1_000_000);
    let nowhere = tests::ports::loopback(9);
    let options = EnvoyOptions::new(nowhere, vec![filter(&every_fault())]);
    let envoy =
        Envoy::start(EnvoyOptions { concurrency: 2, routes: vec![direct_response()], ..options })?;
    let send_faults = |count: u64| {
        load(envoy.address(), 16, move |number| {
            // Few resets, because each one ends its connection.
            let kind = if number.is_multiple_of(200) { 5 } else { number % 5 };
            let path = PATHS.get(usize::try_from(kind).ok()?)?;
            (number < count).then(|| get(path, &[]))
        })
    };
    send_faults(10_000)?;
    let before = envoy.memory()?;
    let responses = send_faults(faults)?;
    let after = envoy.memory()?;
    eprintln!("{before} MiB, after {} further faults {after} MiB", responses.len());
    assert_eq!(u64::try_from(responses.len())?, faults);
    let stats = envoy.stats()?;
    let stat = |name: &str| stats.value(&format!("wasmcustom.weir_fault_injection_{name}"));
    let counted: u64 = ["delays", "aborts", "responses", "rate_limits", "resets"]
        .iter()
        .map(|name| stat(&format!("{name}_total")))
        .sum();
    // A delayed abort is counted as a delay as well.
    assert!(counted > faults, "{counted}");
    assert_eq!((stat("active"), stat("errors_total")), (0, 0));
    assert!(after.saturating_sub(before) <= MAX_GROWTH, "{before} MiB grew to {after} MiB");
    Ok(())
}

#[test]
fn memory_does_not_grow_with_reconfigurations() -> Result<()> {
    let changes = thorough(20, 1_000);
    let config = |length| always(json!({"delay": {"fixedDelay": format!("{length}ms")}}));
    let mut fixture = Fixture::start(&config(100))?;
    let mut before = 0;
    for index in 0..changes {
        let sockets = send(fixture.envoy.address(), 10)?;
        fixture.envoy.reconfigure(&[filter(&config(101_u64.saturating_add(index)))])?;
        assert_eq!(statuses(sockets), [200; 10]);
        if index == changes / 5 {
            before = fixture.envoy.memory()?;
        }
    }
    fixture.wait_for("active", 0)?;
    let after = fixture.envoy.memory()?;
    eprintln!("{before} MiB after a fifth of {changes} changes, {after} MiB after all");
    assert!(after.saturating_sub(before) <= MAX_GROWTH, "{before} MiB grew to {after} MiB");
    Ok(())
}

#[test]
fn no_delay_is_short() -> Result<()> {
    let delays = thorough(5_000, 100_000);
    let length = Duration::from_millis(20);
    let fixture = Fixture::start_with(2, &always(json!({"delay": {"fixedDelay": "20ms"}})))?;
    let responses =
        load(fixture.envoy.address(), 200, move |number| (number < delays).then(|| get("/", &[])))?;
    assert_eq!(u64::try_from(responses.len())?, delays);
    let failed: Vec<u16> =
        responses.iter().map(|response| response.status).filter(|status| *status != 200).collect();
    let shortest = responses.iter().map(|response| response.elapsed).min().unwrap_or_default();
    assert!(failed.is_empty(), "{failed:?}; the shortest response took {shortest:?}");
    assert!(shortest >= length, "{shortest:?}");
    Ok(())
}
