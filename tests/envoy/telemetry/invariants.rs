//! Guarantees that hold for every configuration and every request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::{Request, Response},
    collector::Collector,
    envoy::Envoy,
    fake_collector::{Behaviour, FakeCollector},
    process,
    upstream::{Received, Upstream},
};

use super::{
    FILTER,
    collectors::{Fixture, Protocol, TIMEOUT, cluster, sample_all},
    steady_load::{KeepGoing, steady_load},
};

/// Returns a configuration that uses all features and one collector.
fn full_config() -> Value {
    let mut config = sample_all(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"}));
    if let Some(config) = config.as_object_mut() {
        let more = json!({
            "operations": [{"pathTemplate": "/orders/{id}", "name": "getOrder"}],
            "slos": [{"name": "fast", "latency": "300ms"}],
            "metrics": {"overrides": [{"match": {"metric": "GRPC_REQUEST_MESSAGES"}, "disabled": false}],
                "definitions": [{"name": "cents", "type": "HISTOGRAM",
                    "value": "int(response.headers['x-cents'])"}]},
            "accessLogging": [{}, {"providers": [{"name": "otel"}]}],
            "filterState": true,
        });
        config.extend(more.as_object().cloned().unwrap_or_default());
    }
    config
}

#[test]
fn reconfiguration_counts_and_sends_nothing() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let mut fixture = Fixture::start(2, clusters, &full_config())?;
    for number in 1..6 {
        let mut config = full_config();
        config["metrics"]["maxSeries"] = json!(number);
        fixture.envoy.reconfigure(&[Filter::new(FILTER, config)])?;
    }
    assert_eq!(fixture.nonzero_stats()?, "");
    assert!(collector.requests().is_empty());
    Ok(())
}

/// Describes a response without the headers that differ between any two responses.
fn outcome(response: &Response) -> String {
    let shown = |headers: &hyper::HeaderMap| -> Vec<String> {
        let kept = headers.iter().filter(|(name, _)| !DIFFERING.contains(&name.as_str()));
        kept.map(|(name, value)| format!("{name}: {value:?}")).collect()
    };
    let body = match Received::from_response(response) {
        Ok(mut received) => {
            received.headers.retain(|(name, _)| !DIFFERING.contains(&name.as_str()));
            format!("{received:?}")
        }
        Err(_) => response.text(),
    };
    format!(
        "{} {:?} {body} {:?}",
        response.status,
        shown(&response.headers),
        shown(&response.trailers)
    )
}

/// Headers that differ between any two requests or that the filter writes.
const DIFFERING: [&str; 5] =
    ["date", "content-length", "x-envoy-upstream-service-time", "x-request-id", "traceparent"];

#[test]
fn requests_get_the_same_response_with_and_without_the_filter() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let app = Upstream::start()?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let options = |filters| EnvoyOptions {
        clusters: clusters.clone(),
        ..EnvoyOptions::new(app.address(), filters)
    };
    let with_filter = Envoy::start(options(vec![super::filter(&full_config())]))?;
    let without_filter = Envoy::start(options(Vec::new()))?;
    let large = vec![b'x'; 300_000];
    for request in [
        Request::get("/orders/7?a=b"),
        Request::get("/").header("x-reply-status", "404"),
        Request::get("/").header("x-reply-status", "503").header("baggage", "a=1"),
        Request::get("/").header("traceparent", "nonsense").header("b3", "0"),
        Request::get("/").header("x-odd", b"\xff\x80\xc3").header("cookie", "a=b"),
        Request::new(hyper::Method::POST, "/orders/7").body(&large),
        Request::new(hyper::Method::from_bytes(b"PURGE")?, "/a//../b;c=%2e"),
        Request::grpc("/shop.Orders/Get"),
        Request::grpc("/shop.Orders/Get").header("x-reply-grpc-status", "14"),
    ] {
        for pair in [
            [
                with_filter.http1().send(request.clone()),
                without_filter.http1().send(request.clone()),
            ],
            [
                with_filter.http2().send(request.clone()),
                without_filter.http2().send(request.clone()),
            ],
        ] {
            let [filtered, unfiltered] = pair;
            assert_eq!(outcome(&filtered?), outcome(&unfiltered?), "{request:?}");
        }
    }
    Ok(())
}

#[test]
fn exports_no_credentials_and_no_queries() -> Result<()> {
    const SECRET: &str = "hunter2";
    let collector = Collector::start()?;
    let mut fixture =
        Fixture::start(1, vec![cluster(Protocol::Grpc, collector.grpc())], &full_config())?;
    let names = [
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-api-key",
        "x-any",
        "baggage",
        "referer",
    ];
    for status in ["200", "500"] {
        let request = Request::get(&format!("/orders/7?key={SECRET}"));
        let request = request.header("x-reply-status", status);
        let request =
            names.iter().fold(request, |request, name| request.header(name, format!("k={SECRET}")));
        fixture.envoy.http1().send(request)?;
    }
    process::wait_until("collecting all spans and records", TIMEOUT, || {
        Ok(collector.spans()?.len() == 2 && collector.logs()?.len() == 2)
    })?;
    for item in collector.spans()?.into_iter().chain(collector.logs()?) {
        let shown = format!("{} {:?}", item.json, item.resource);
        assert!(!shown.contains(SECRET), "{shown}");
    }
    let stats = fixture.envoy.admin().get("/stats/prometheus")?.text();
    assert!(!stats.contains(SECRET), "a metric exposes the secret");
    let lines = |log: &str| log.lines().filter(|line| line.contains("wasm log")).count();
    let log = fixture.envoy.stop()?;
    assert!(lines(&log) > 0, "{log}");
    let shown = log.lines().find(|line| line.contains("wasm log") && line.contains(SECRET));
    assert_eq!(shown, None);
    Ok(())
}

#[test]
fn shutdown_loses_only_the_last_spans() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let mut fixture = Fixture::start(1, clusters, &sample_all(Protocol::Grpc, &json!({})))?;
    let keep_going = Arc::new(AtomicBool::new(true));
    let (flag, ingress) = (Arc::clone(&keep_going), fixture.envoy.address());
    let traffic = thread::spawn(move || {
        let keep_going: KeepGoing = Arc::new(move |_| flag.load(Ordering::Relaxed));
        steady_load(ingress, Duration::from_millis(20), &keep_going)
    });
    fixture.wait_until("responding to 600 requests", || Ok(fixture.app.count() >= 600))?;
    keep_going.store(false, Ordering::Relaxed);
    let answered = traffic.join().map_err(|_| anyhow!("the load panicked"))??.len();
    fixture.envoy.stop()?;
    let lost = answered.saturating_sub(collector.spans().len());
    // At 200 requests per second: a batch delay of one second, a tick, and a margin.
    assert!(lost <= 400, "{lost} of {answered}");
    Ok(())
}

#[test]
fn collector_keys_come_from_the_vm_environment() -> Result<()> {
    for (protocol, field, list) in
        [(Protocol::Grpc, "grpc", "initialMetadata"), (Protocol::Http, "http", "headers")]
    {
        let collector = FakeCollector::start(Behaviour::Healthy)?;
        let mut config = sample_all(protocol, &json!({"maxBatchDelay": "200ms"}));
        let headers =
            json!([{"name": "x-api-key", "envName": "KEY"}, {"name": "x-tenant", "value": "shop"}]);
        config["extensionProviders"][0]["opentelemetry"][field] = json!({list: headers});
        let app = Upstream::start()?;
        let filter = super::filter(&config).environment("KEY", "hunter2");
        let clusters = vec![cluster(protocol, collector.address())];
        let options = EnvoyOptions::new(app.address(), vec![filter]);
        let mut envoy = Envoy::start(EnvoyOptions { clusters, ..options })?;
        envoy.http1().get("/")?;
        process::wait_until("collecting a span", TIMEOUT, || Ok(collector.spans().len() == 1))?;
        let headers = collector.headers().pop().context("no request")?;
        assert_eq!(
            (&headers["x-api-key"], &headers["x-tenant"]),
            (&"hunter2".parse()?, &"shop".parse()?)
        );
        assert!(!envoy.stop()?.contains("hunter2"));
    }
    Ok(())
}
