//! Counters under load equal what the load itself counted.

use std::{thread, time::Duration};

use anyhow::{Context, Result, anyhow};
use http_body_util::Full;
use hyper::{Method, Request, body::Bytes};
use serde_json::{Value, json};
use tests::{process::wait_until, upstream::REPLY_STATUS};

use super::{FILTER, Rig, books, filter, prometheus::Scrape};

const REQUESTS: u64 = 100_000;
const CONNECTIONS: u64 = 32;
const STATUSES: [&str; 8] = ["200", "201", "301", "404", "429", "500", "503", "504"];

/// Requests of several methods and answers, every fifth with a body.
fn mixed(number: u64) -> Request<Full<Bytes>> {
    let status = STATUSES.iter().cycle().nth(usize::try_from(number % 8).unwrap_or(0));
    let (method, body) = match number % 5 {
        0 => (Method::POST, Bytes::from(vec![b'x'; usize::try_from(number % 97).unwrap_or(1)])),
        1 => (Method::DELETE, Bytes::new()),
        _ => (Method::GET, Bytes::new()),
    };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = format!("/orders/{number}").parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert("host", hyper::header::HeaderValue::from_static("app"));
    headers
        .insert(REPLY_STATUS, status.and_then(|it| it.parse().ok()).unwrap_or_else(|| 200.into()));
    request
}

/// Requests of which each has a path and a header value that no other has.
fn distinct(number: u64) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = format!("/items/{number}").parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert("host", hyper::header::HeaderValue::from_static("app"));
    headers.insert("x-user", number.into());
    request
}

fn labelled(extra: &str) -> Value {
    json!({
        "operations": [{"pathTemplate": "/orders/{id}", "name": "getOrder"}],
        "metrics": [{"labels": true}],
        // Another document without another meaning, so that the plugin is made anew.
        "slos": [{"name": extra}],
    })
}

#[test]
fn counters_are_exact_over_four_workers_and_a_new_configuration() -> Result<()> {
    let mut rig = Rig::start_labelled(4, &labelled("before"))?;
    let address = rig.envoy.address();
    let load = thread::spawn(move || books::run(address, REQUESTS, CONNECTIONS, mixed));
    let half = usize::try_from(REQUESTS / 2)?;
    wait_until("half of the load", Duration::from_secs(300), || Ok(rig.app.count() > half))?;
    rig.envoy.reconfigure(&[filter(&labelled("after"))])?;
    let books = load.join().map_err(|_| anyhow!("the load panicked"))??;
    assert_eq!(books.total(), REQUESTS);
    assert_eq!(u64::try_from(rig.app.count())?, REQUESTS);
    let mut scrape = Scrape::of(&rig.envoy)?;
    // Histograms are merged every five seconds.
    wait_until("histograms", Duration::from_secs(60), || {
        scrape = Scrape::of(&rig.envoy)?;
        Ok(scrape.sum("weir_telemetry_request_duration_ms_count") == REQUESTS
            && scrape.sum("weir_telemetry_requests_in_flight") == 0)
    })
    .with_context(|| {
        format!("{FILTER}: {}", scrape.sum("weir_telemetry_request_duration_ms_count"))
    })?;
    for ((method, status), count) in &books.answered {
        let labels = format!(
            r#"reporter="unknown",request_method="{method}",request_operation="getOrder",response_code="{status}""#
        );
        assert_eq!(
            scrape.value("weir_telemetry_requests_total", &labels),
            Some(*count),
            "{labels}"
        );
    }
    assert_eq!(scrape.sum("weir_telemetry_requests_total"), REQUESTS);
    assert_eq!(
        scrape.sum("weir_telemetry_request_errors_total"),
        books.with_status(|it| it >= 500)
    );
    // Sums of Envoy's histograms are rough, their counts are not.
    for name in ["request_bytes", "response_bytes"] {
        assert_eq!(scrape.sum(&format!("weir_telemetry_{name}_count")), REQUESTS);
    }
    let slos = ["before", "after"].map(|slo| {
        scrape.value("weir_telemetry_slo_total", &format!(r#"slo="{slo}""#)).unwrap_or_default()
    });
    assert_eq!(slos.iter().sum::<u64>(), REQUESTS);
    assert!(slos.iter().all(|count| *count > 0), "{slos:?}");
    Ok(())
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
