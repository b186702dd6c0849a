//! Limits of cardinality and memory hold under distinct label values and reconfigurations.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow};
use http_body_util::Full;
use hyper::{Request, Response, body::Bytes};
use serde_json::{Value, json};
use tests::{
    bootstrap::{Drain, EnvoyOptions},
    envoy::Envoy,
    ports,
    process::wait_until,
    scale::thorough,
    server::{Server, full},
};

use super::{
    LABELS, counted_load, filter,
    prometheus::{Scrape, stats_tags},
};

const CONNECTIONS: u64 = 32;
/// Environment variable that replaces the number of distinct values.
const DISTINCT: &str = "WEIR_DISTINCT";
/// Maximum growth of the process, in MiB.
const MAX_GROWTH: u64 = 16;

/// Starts an application that only counts its requests.
fn application() -> Result<(Server, Arc<AtomicU64>)> {
    let served = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&served);
    let server = Server::start(ports::listen(0)?, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Response::new(full("")) }
    })?;
    Ok((server, served))
}

/// Returns a configuration with two labels of unbounded values. `slo` makes configurations differ.
fn document(slo: &str) -> Value {
    json!({"slos": [{"name": slo}], "metrics": [{"labels": true, "definitions": [
        {"name": "by_user", "dimensions": {"user": {"value": "request.headers['x-user']"}}},
        {"name": "by_path", "dimensions": {"item": {"value": "request.url_path", "maxValues": 1000}}},
    ]}]})
}

/// Returns a request with a distinct path and a distinct header value for each number.
fn distinct(number: u64) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = format!("/items/{number}").parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert("host", hyper::header::HeaderValue::from_static("app"));
    headers.insert("x-user", number.into());
    request
}

#[test]
fn series_and_memory_stay_bounded_across_reconfigurations() -> Result<()> {
    let requested = env::var(DISTINCT).ok().and_then(|text| text.parse().ok());
    let count = requested.unwrap_or_else(|| thorough(50_000, 1_000_000));
    let reloads = thorough(5, 50);
    let (app, served) = application()?;
    let mut options = EnvoyOptions::new(app.address(), vec![filter(&document("first"))]);
    options.concurrency = 4;
    options.stats_config = Some(stats_tags(&LABELS));
    // A gradual drain would reset streams, and the load would send them again.
    options.drain = Drain::Immediate(30);
    let mut envoy = Envoy::start(options)?;
    counted_load::run(envoy.address(), count / 10, CONNECTIONS, distinct)?;
    let before = envoy.memory()?;
    let address = envoy.address();
    let load = thread::spawn(move || counted_load::run(address, count, CONNECTIONS, distinct));
    for number in 1..=reloads {
        let share = count / 10 + count / (reloads + 1) * number;
        let reached = || Ok(served.load(Ordering::Relaxed) > share);
        wait_until("sending a part of the load", Duration::from_secs(300), reached)?;
        let slo = if number % 2 == 0 { "even" } else { "odd" };
        envoy.reconfigure(&[filter(&document(slo))])?;
    }
    load.join().map_err(|_| anyhow!("the load panicked"))??;
    let after = envoy.memory()?;
    eprintln!("{count} values, {reloads} configurations: {before} MiB before, {after} MiB after");
    assert!(after < before + MAX_GROWTH, "{before} MiB before, {after} MiB after");
    assert_limits(&envoy, count + count / 10)
}

/// Fails unless every stream is counted, the number of series is within limits, and streams folded
/// into `other` are counted as overflow.
fn assert_limits(envoy: &Envoy, total: u64) -> Result<()> {
    let mut scrape = Scrape::of(envoy)?;
    wait_until("counting every stream", Duration::from_secs(30), || {
        scrape = Scrape::of(envoy)?;
        Ok(scrape.sum("weir_telemetry_requests_total") == total)
    })?;
    for (name, label, series) in [("by_user", "user", 101), ("by_path", "item", 1_000)] {
        let name = format!("weir_telemetry_{name}_total");
        assert!(scrape.series(&name) <= series, "{name}: {}", scrape.series(&name));
        assert_eq!(scrape.sum(&name), total, "{name}");
        let folded = scrape.value(&name, &format!(r#"{label}="other""#)).unwrap_or_default();
        let overflow =
            scrape.value("weir_telemetry_overflow_total", &format!(r#"metric="{name}""#));
        assert_eq!(overflow, Some(folded), "{name}");
        eprintln!("{name}: {} series, {folded} folded", scrape.series(&name));
    }
    Ok(())
}
