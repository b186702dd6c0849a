//! All filters classify responses alike, and as Envoy's access log does.

use std::{collections::BTreeMap, net::TcpListener, time::Duration};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Response, body::Bytes, header::HeaderValue};
use serde_json::json;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    ports,
    process::wait_until,
    server::{Body, Server, full},
};

/// A request, its response, and whether that is a server error.
struct Case {
    is_grpc: bool,
    status: u16,
    headers: Pairs,
    body: &'static str,
    trailers: Pairs,
    is_error: bool,
}

type Pairs = &'static [(&'static str, &'static str)];

const GRPC: (&str, &str) = ("content-type", "application/grpc");
const JSON: (&str, &str) = ("content-type", "application/json");
const MESSAGE: &str = "\0\0\0\0\0";

const fn call(
    status: u16,
    headers: Pairs,
    body: &'static str,
    trailers: Pairs,
    is_error: bool,
) -> Case {
    Case { is_grpc: true, status, headers, body, trailers, is_error }
}

const fn web(status: u16, headers: Pairs, body: &'static str, is_error: bool) -> Case {
    Case { is_grpc: false, status, headers, body, trailers: &[], is_error }
}

const CASES: [Case; 15] = [
    call(200, &[GRPC], MESSAGE, &[("grpc-status", "0")], false),
    call(200, &[GRPC], MESSAGE, &[("grpc-status", "5")], false),
    call(200, &[GRPC], MESSAGE, &[("grpc-status", "14")], true),
    call(200, &[GRPC], MESSAGE, &[("x-sum", "1"), ("grpc-status", "13")], true),
    call(200, &[GRPC, ("grpc-status", "14")], "", &[], true),
    call(200, &[GRPC, ("grpc-status", "14")], MESSAGE, &[], true),
    call(200, &[GRPC, ("grpc-status", "14")], MESSAGE, &[("x-sum", "1")], true),
    call(200, &[GRPC], MESSAGE, &[], true),
    call(200, &[JSON], "{}", &[], true),
    call(503, &[JSON], "{}", &[], true),
    call(403, &[JSON], "{}", &[], false),
    web(200, &[JSON], "{}", false),
    web(200, &[GRPC, ("grpc-status", "14")], MESSAGE, false),
    web(503, &[JSON], "{}", true),
    // An incomplete body.
    web(200, &[("content-length", "1000")], "half", true),
];

/// Request header with the index of the case.
const CASE: &str = "x-case";

fn response(case: &Case) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    for (name, value) in case.trailers {
        trailers.insert(*name, HeaderValue::from_static(value));
    }
    let body = Full::new(Bytes::from_static(case.body.as_bytes()));
    let body = match trailers.is_empty() {
        true => full(case.body),
        false => body.with_trailers(async { Some(Ok(trailers)) }).boxed(),
    };
    let head = Response::builder().status(case.status);
    let head = case.headers.iter().fold(head, |head, (name, value)| head.header(*name, *value));
    head.body(body).unwrap_or_default()
}

fn app() -> Result<Server> {
    let listener: TcpListener = ports::listen(0)?;
    Server::start(listener, |request| async move {
        let requested =
            request.headers().get(CASE).and_then(|value| value.to_str().ok()?.parse().ok());
        let case = requested.and_then(|index: usize| CASES.get(index));
        case.map_or_else(|| Response::new(full("")), response)
    })
}

/// Sends every case through a proxy with `filter` and waits until all are logged.
fn exchange(filter: Filter) -> Result<(Envoy, Server)> {
    let app = app()?;
    let mut envoy = Envoy::start(EnvoyOptions::new(app.address(), vec![filter]))?;
    for (index, case) in CASES.iter().enumerate() {
        let (client, request) = match case.is_grpc {
            true => (envoy.http2(), Request::grpc("/shop.Orders/Get")),
            false => (envoy.http1(), Request::get("/orders")),
        };
        // One of the cases fails at the client: its body is incomplete.
        let _ = client.send(request.header(CASE, index.to_string()));
    }
    envoy.wait_for_access_log(CASES.len())?;
    Ok((envoy, app))
}

fn errors() -> Result<u64> {
    Ok(CASES.iter().filter(|case| case.is_error).count().try_into()?)
}

const TIMEOUT: Duration = Duration::from_secs(10);

#[test]
fn telemetry_labels_match_the_grpc_status_in_envoys_access_log() -> Result<()> {
    let filter = Filter::new("telemetry", json!({"metrics": [{"labels": true}]}));
    let (mut envoy, _app) = exchange(filter)?;
    let mut expected = BTreeMap::<String, u64>::new();
    for line in envoy.wait_for_access_log(CASES.len())? {
        let status =
            line["grpc_status"].as_u64().map_or_else(String::new, |status| status.to_string());
        let count = expected.entry(status).or_default();
        *count = count.saturating_add(1);
    }
    let mut found = BTreeMap::new();
    let same = wait_until("counting", TIMEOUT, || {
        found = by_grpc_status(&envoy, "weir_telemetry_requests_total")?;
        Ok(found == expected)
    });
    same.with_context(|| format!("expected {expected:?}, found {found:?}"))?;
    let failed = by_grpc_status(&envoy, "weir_telemetry_request_errors_total")?;
    assert_eq!(failed.values().sum::<u64>(), errors()?, "{failed:?}");
    Ok(())
}

/// Returns the sums of a counter by the label `grpc_response_status`.
fn by_grpc_status(envoy: &Envoy, name: &str) -> Result<BTreeMap<String, u64>> {
    let mut sums = BTreeMap::<String, u64>::new();
    for (name, value) in envoy.stats()?.matching(name) {
        let label = name.split_once("grpc_response_status=.=").map_or("", |(_, rest)| rest);
        let label = label.split_once(";.;").map_or("", |(label, _)| label);
        let sum = sums.entry(label.to_owned()).or_default();
        *sum = sum.saturating_add(value);
    }
    Ok(sums)
}

#[test]
fn routing_tags_counts_the_same_canary_errors() -> Result<()> {
    let canary = json!({
        "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-01-01T00:00:00Z",
        "initialWeight": 100, "increment": 1, "interval": "60s",
    });
    let config = json!({"http": [{"name": "api", "canary": canary}]});
    let (envoy, _app) = exchange(Filter::new("routing-tags", config))?;
    let name = |name: &str| format!("wasmcustom.weir_routing_tags_canary_api_{name}_total");
    let requests = u64::try_from(CASES.len())?;
    envoy.wait_for_stats(&[(name("requests"), requests), (name("errors"), errors()?)])
}

#[test]
fn fault_injection_stops_on_the_same_errors() -> Result<()> {
    let fault = json!({"abort": {"httpStatus": 418, "percentage": {"value": 0.0001}}});
    let criteria = json!({"maxErrorRate": {"value": 0}, "minRequestCount": CASES.len()});
    let config = json!({"successCriteria": criteria, "http": [{"fault": fault}]});
    let (mut envoy, _app) = exchange(Filter::new("fault-injection", config))?;
    envoy.wait_for_log(&format!("stopped: {} errors in {} answers", errors()?, CASES.len()))
}
