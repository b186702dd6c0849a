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
    bootstrap::{Filter, Setup},
    client::{Request, Response},
    collector::Collector,
    envoy::Envoy,
    fake_collector::{Behaviour, FakeCollector},
    process,
    upstream::{Received, Upstream},
};

use super::{
    FILTER,
    collectors::{Protocol, Rig, SOON, cluster, everything},
    steady::{GoesOn, steady},
};

/// Returns a configuration that uses all features and one collector.
fn full() -> Value {
    let mut config = everything(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"}));
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
fn a_configuration_counts_and_sends_nothing() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let mut rig = Rig::start(2, clusters, &full())?;
    for number in 1..6 {
        let mut config = full();
        config["metrics"]["maxSeries"] = json!(number);
        rig.envoy.reconfigure(&[Filter::new(FILTER, config)])?;
    }
    assert_eq!(rig.told()?, "");
    assert!(collector.requests().is_empty());
    Ok(())
}

/// Describes a response without the headers that differ between any two responses.
fn outcome(answer: &Response) -> String {
    let shown = |headers: &hyper::HeaderMap| -> Vec<String> {
        let kept = headers.iter().filter(|(name, _)| !DIFFERING.contains(&name.as_str()));
        kept.map(|(name, value)| format!("{name}: {value:?}")).collect()
    };
    let body = match Received::from_response(answer) {
        Ok(mut received) => {
            received.headers.retain(|(name, _)| !DIFFERING.contains(&name.as_str()));
            format!("{received:?}")
        }
        Err(_) => answer.text(),
    };
    format!("{} {:?} {body} {:?}", answer.status, shown(&answer.headers), shown(&answer.trailers))
}

/// Headers that differ between any two requests or that the filter writes.
const DIFFERING: [&str; 5] =
    ["date", "content-length", "x-envoy-upstream-service-time", "x-request-id", "traceparent"];

#[test]
fn a_request_fares_alike_with_and_without_the_filter() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let app = Upstream::start()?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let setup =
        |filters| Setup { clusters: clusters.clone(), ..Setup::new(app.address(), filters) };
    let with = Envoy::start(setup(vec![super::filter(&full())]))?;
    let without = Envoy::start(setup(Vec::new()))?;
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
            [with.http1().send(request.clone()), without.http1().send(request.clone())],
            [with.http2().send(request.clone()), without.http2().send(request.clone())],
        ] {
            let [here, there] = pair;
            assert_eq!(outcome(&here?), outcome(&there?), "{request:?}");
        }
    }
    Ok(())
}

#[test]
fn no_credential_and_no_query_leaves_the_proxy() -> Result<()> {
    const SECRET: &str = "hunter2";
    let collector = Collector::start()?;
    let mut rig = Rig::start(1, vec![cluster(Protocol::Grpc, collector.grpc())], &full())?;
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
        let request = names
            .iter()
            .fold(request, |request, name| request.header(name, format!("k={SECRET}")));
        rig.envoy.http1().send(request)?;
    }
    process::wait_until("collecting all", SOON, || {
        Ok(collector.spans()?.len() == 2 && collector.logs()?.len() == 2)
    })?;
    for item in collector.spans()?.into_iter().chain(collector.logs()?) {
        let shown = format!("{} {:?}", item.json, item.resource);
        assert!(!shown.contains(SECRET), "{shown}");
    }
    let stats = rig.envoy.admin().get("/stats/prometheus")?.text();
    assert!(!stats.contains(SECRET), "a metric exposes the secret");
    let lines = |log: &str| log.lines().filter(|line| line.contains("wasm log")).count();
    let log = rig.envoy.stop()?;
    assert!(lines(&log) > 0, "{log}");
    let shown = log.lines().find(|line| line.contains("wasm log") && line.contains(SECRET));
    assert_eq!(shown, None);
    Ok(())
}

#[test]
fn a_proxy_that_ends_loses_no_more_than_its_last_second() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let mut rig = Rig::start(1, clusters, &everything(Protocol::Grpc, &json!({})))?;
    let goes_on = Arc::new(AtomicBool::new(true));
    let (asked, ingress) = (Arc::clone(&goes_on), rig.envoy.address());
    let traffic = thread::spawn(move || {
        let goes_on: GoesOn = Arc::new(move |_| asked.load(Ordering::Relaxed));
        steady(ingress, Duration::from_millis(20), &goes_on)
    });
    rig.wait_until("answering for a while", || Ok(rig.app.count() >= 600))?;
    goes_on.store(false, Ordering::Relaxed);
    let answered = traffic.join().map_err(|_| anyhow!("the load panicked"))??.len();
    rig.envoy.stop()?;
    let lost = answered.saturating_sub(collector.spans().len());
    // 200 requests per second: a batch delay of one second, a tick, and a margin for a busy machine.
    assert!(lost <= 400, "{lost} of {answered}");
    Ok(())
}

#[test]
fn keys_of_a_collector_come_from_the_environment_of_the_machine() -> Result<()> {
    for (protocol, field, list) in
        [(Protocol::Grpc, "grpc", "initialMetadata"), (Protocol::Http, "http", "headers")]
    {
        let collector = FakeCollector::start(Behaviour::Healthy)?;
        let mut config = everything(protocol, &json!({"maxBatchDelay": "200ms"}));
        let headers =
            json!([{"name": "x-api-key", "envName": "KEY"}, {"name": "x-tenant", "value": "shop"}]);
        config["extensionProviders"][0]["opentelemetry"][field] = json!({list: headers});
        let app = Upstream::start()?;
        let filter = super::filter(&config).environment("KEY", "hunter2");
        let clusters = vec![cluster(protocol, collector.address())];
        let setup = Setup::new(app.address(), vec![filter]);
        let mut envoy = Envoy::start(Setup { clusters, ..setup })?;
        envoy.http1().get("/")?;
        process::wait_until("collecting a span", SOON, || Ok(collector.spans().len() == 1))?;
        let headers = collector.headers().pop().context("no request")?;
        assert_eq!(
            (&headers["x-api-key"], &headers["x-tenant"]),
            (&"hunter2".parse()?, &"shop".parse()?)
        );
        assert!(!envoy.stop()?.contains("hunter2"));
    }
    Ok(())
}
