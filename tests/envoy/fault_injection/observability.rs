//! Host calls, log lines and histograms.

use anyhow::Result;
use hyper::Method;
use serde_json::{Value, json};
use tests::{client::Request, suite};

use super::{Fixture, always};

/// Returns the names of the host calls that the filter makes for one request.
fn calls(config: &Value) -> Result<Vec<String>> {
    let fixture = Fixture::start(config)?;
    let client = fixture.envoy.http1();
    client.get("/warm")?;
    fixture.envoy.admin().send(Request::new(Method::POST, "/logging?wasm=trace"))?;
    let before = fixture.envoy.log().len();
    assert_eq!(client.get("/")?.status, 200);
    let mut log = String::new();
    tests::process::wait_until("tracing the request", std::time::Duration::from_secs(10), || {
        log = fixture.envoy.log().get(before..).unwrap_or_default().to_owned();
        Ok(log.contains("[host->vm] proxy_on_delete"))
    })?;
    let calls = log.lines().filter_map(|line| line.split_once("[vm->host] ")?.1.split('(').next());
    // `[vm->host]` marks the start of a call. Calls of WASI functions are ignored.
    let ours = calls.filter(|name| name.starts_with("env.proxy_"));
    Ok(ours.map(str::to_owned).collect())
}

#[test]
fn makes_no_host_call_without_a_fault() -> Result<()> {
    let nothing: [&str; 0] = [];
    let matched = json!([{"headers": {"x-user": {"exact": "tester"}}}]);
    let abort =
        |percent: f64| json!({"abort": {"percentage": {"value": percent}, "httpStatus": 418}});
    let rare = json!({"schedule": {"expiresAt": "2099-01-01T00:00:00Z"},
        "http": [{"match": matched, "fault": abort(0.0001)}]});
    assert_eq!(calls(&json!({}))?, nothing);
    assert_eq!(calls(&rare)?, nothing);
    // If the fault may fire, only the header is read, and not the clock.
    let sure = json!({"schedule": {"expiresAt": "2099-01-01T00:00:00Z"},
        "http": [{"match": matched, "fault": abort(100.0)}]});
    let calls_made = calls(&sure)?;
    assert!(!calls_made.is_empty(), "no call was traced");
    // The suite reads the whole map for all filters.
    let read = match suite::is_enabled() {
        true => "env.proxy_get_header_map_pairs",
        false => "env.proxy_get_header_map_value",
    };
    assert!(calls_made.iter().all(|name| name == read), "{calls_made:?}");
    Ok(())
}

#[test]
fn logs_faults_at_debug_without_header_values() -> Result<()> {
    let mut fixture = Fixture::start(&json!({"http": [{"name": "x",
        "match": [{"headers": {"x-token": {"prefix": "secret"}}}],
        "consistentHash": {"httpHeaderName": "x-token"},
        "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}}}]}))?;
    let request = Request::get("/").header("x-token", "secret-of-alice");
    assert_eq!(fixture.envoy.http1().send(request)?.status, 418);
    fixture.envoy.wait_for_log("entry=x;abort=418;phase=REQUEST")?;
    let log = fixture.envoy.stop()?;
    assert!(!log.contains("secret-of-alice"), "{log}");
    Ok(())
}

#[test]
fn histograms_record_delay_and_lateness() -> Result<()> {
    let fixture = Fixture::start(&always(json!({"delay": {"fixedDelay": "50ms"}})))?;
    for _ in 0..3 {
        assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    }
    let mut text = String::new();
    tests::process::wait_until(
        "exporting the histograms",
        std::time::Duration::from_secs(20),
        || {
            text = fixture.envoy.admin().get("/stats/prometheus")?.text();
            Ok(text.contains("weir_fault_injection_delay_ms_count{} 3"))
        },
    )?;
    assert!(text.contains("weir_fault_injection_late_ms_count{} 3"), "{text}");
    let line = "weir_fault_injection_delay_ms_bucket{le=\"50\"}";
    assert!(text.lines().any(|sample| sample.starts_with(line)), "{text}");
    Ok(())
}
