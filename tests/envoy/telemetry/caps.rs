//! Hostile values end at the limits.

use std::time::Duration;

use anyhow::Result;
use http_body_util::Full;
use hyper::{Request, body::Bytes};
use serde_json::json;
use tests::process::wait_until;

use super::{Rig, books, prometheus::Scrape};

const CONNECTIONS: u64 = 32;

/// Requests of which each has a path and a header value that no other has.
fn distinct(number: u64) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = format!("/items/{number}").parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert("host", hyper::header::HeaderValue::from_static("app"));
    headers.insert("x-user", number.into());
    request
}

#[test]
fn distinct_values_leave_the_series_at_their_limit() -> Result<()> {
    let count =
        std::env::var("WEIR_DISTINCT").ok().and_then(|it| it.parse().ok()).unwrap_or(50_000);
    let config = json!({"metrics": [{"labels": true, "definitions": [
        {"name": "by_user", "dimensions": {"user": {"value": "request.headers['x-user']"}}},
        {"name": "by_path", "dimensions": {"item": {"value": "request.url_path", "maxValues": 1000}}},
    ]}]});
    let rig = Rig::start_labelled(4, &config)?;
    books::run(rig.envoy.address(), count / 10, CONNECTIONS, distinct)?;
    let before = rig.envoy.memory()?;
    books::run(rig.envoy.address(), count, CONNECTIONS, distinct)?;
    let after = rig.envoy.memory()?;
    let total = count + count / 10;
    let mut scrape = Scrape::of(&rig.envoy)?;
    wait_until("counted", Duration::from_secs(30), || {
        scrape = Scrape::of(&rig.envoy)?;
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
    }
    assert!(after < before + 16, "{before} MiB, then {after} MiB");
    Ok(())
}
