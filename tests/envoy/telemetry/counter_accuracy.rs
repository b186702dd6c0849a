//! Counters scraped by a real Prometheus equal the numbers counted by the load generator.

mod traffic;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use tests::{
    bootstrap::{Drain, EnvoyOptions, Filter},
    envoy::Envoy,
    process::wait_until,
    prometheus::Prometheus,
    upstream::Upstream,
};

use super::{
    FILTER, LABELS,
    counted_load::{self, StreamCounts, StreamLabels},
    prometheus, reloads,
};

/// Number of requests over keep-alive connections.
const REQUESTS: u64 = 100_000;
const CONNECTIONS: u64 = 32;
/// Number of client resets, of malformed requests and of gRPC calls.
const ODD: u64 = 500;
/// Timeout of waits.
const TIMEOUT: Duration = Duration::from_secs(40);
const OPERATION_AND_METHOD: [&str; 2] = ["request_operation", "request_method"];

/// Counts by the values of labels.
type Rows = BTreeMap<Vec<String>, u64>;

/// Returns a configuration whose operations are the first segments of the paths.
fn document(slo: &str) -> Value {
    let segments = ["orders", "cut", "reset", "abort", "denied", "direct", "silent", "grpc"];
    let operation =
        |segment: &str| json!({"pathTemplate": format!("/{segment}/{{id}}"), "name": segment});
    json!({
        "operations": segments.map(operation),
        "metrics": [{"labels": true}],
        // Makes configurations differ, so that Envoy creates a new plugin.
        "slos": [{"name": slo}],
    })
}

/// Returns a chain of fault-injection, Envoy's RBAC filter and this filter. The first two send
/// local replies.
fn chain(telemetry: Filter) -> Vec<Filter> {
    let abort = json!({"http": [{
        "match": [{"uri": {"prefix": "/abort/"}}],
        "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}},
    }]});
    let denied = json!({"permissions": [{"url_path": {"path": {"prefix": "/denied/"}}}],
        "principals": [{"any": true}]});
    let rbac = json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "DENY", "policies": {"denied": denied}},
        },
    });
    vec![Filter::new("fault-injection", abort), Filter::native(rbac), telemetry]
}

/// Returns an Envoy with applications that respond, respond incompletely, reset, and never respond.
fn options(app: SocketAddr, silent: SocketAddr) -> Result<EnvoyOptions> {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf";
    let applications = [
        ("cut", traffic::truncating_server(half)?),
        ("reset", traffic::truncating_server(b"")?),
        ("silent", silent),
    ];
    let mut options = EnvoyOptions::new(app, chain(Filter::new(FILTER, document("before"))));
    options.concurrency = 4;
    // Connections drain at once, and no listener is removed during the load. That would reset
    // streams, and with the last listener of a module Envoy drops series that were not yet
    // updated by the next one.
    options.drain = Drain::Immediate(600);
    options.stats_config = Some(prometheus::stats_tags(&LABELS));
    for (name, address) in applications {
        options
            .routes
            .push(json!({"match": {"prefix": format!("/{name}/")}, "route": {"cluster": name}}));
        let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
        let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
        options.clusters.push(json!({
            "name": name, "type": "STATIC", "connect_timeout": "5s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        }));
    }
    let redirect = json!({"match": {"prefix": "/direct/"}, "direct_response": {"status": 302}});
    options.routes.push(redirect);
    Ok(options)
}

#[test]
fn scraped_counters_equal_the_sent_traffic_across_reloads() -> Result<()> {
    let app = Upstream::start()?;
    let (silent, reached) = traffic::silent()?;
    let mut envoy = Envoy::start(options(app.address(), silent)?)?;
    let prometheus = Prometheus::start(envoy.admin_address(), &[])?;
    let address = envoy.address();
    let load = [
        thread::spawn(move || {
            counted_load::run(address, REQUESTS, CONNECTIONS, traffic::mixed_request)
        }),
        thread::spawn(move || traffic::reset_by_client(address, ODD, &reached)),
        thread::spawn(move || traffic::malformed_requests(address, ODD)),
        thread::spawn(move || traffic::grpc(address, ODD)),
    ];
    let folder = tempfile::tempdir()?;
    let module = reloads::other_module(&folder)?;
    let passed = |count: u64| {
        wait_until("sending a part of the load", TIMEOUT, || Ok(app.count() as u64 > count))
    };
    passed(REQUESTS / 4)?;
    envoy.reconfigure(&chain(Filter::new(FILTER, document("after"))))?;
    passed(REQUESTS / 2)?;
    envoy.reconfigure(&chain(Filter::new(FILTER, document("after")).module(&module)))?;
    let counts = join(load)?;
    assert_eq!(counts.total(), REQUESTS + 3 * ODD);
    assert_counted(&prometheus, &counts)
}

fn join<const N: usize>(load: [JoinHandle<Result<StreamCounts>>; N]) -> Result<StreamCounts> {
    let mut counts = StreamCounts::default();
    for part in load {
        counts.merge(part.join().map_err(|_| anyhow!("the load panicked"))??);
    }
    Ok(counts)
}

fn assert_counted(prometheus: &Prometheus, counts: &StreamCounts) -> Result<()> {
    let labels = ["request_operation", "request_method", "response_code", "grpc_response_status"];
    let row = |row: &StreamLabels| {
        vec![row.operation.clone(), row.method.clone(), row.code.clone(), row.grpc.clone()]
    };
    let expected: Rows = counts.streams.iter().map(|(key, count)| (row(key), *count)).collect();
    assert_rows(prometheus, &labels, "requests_total", &expected)?;
    let pair = |(operation, method): &(String, String)| vec![operation.clone(), method.clone()];
    let expected: Rows = counts.errors.iter().map(|(key, count)| (pair(key), *count)).collect();
    assert_rows(prometheus, &OPERATION_AND_METHOD, "request_errors_total", &expected)?;
    assert_histograms(prometheus, counts)?;
    assert_slos(prometheus, counts)?;
    assert_eq!(prometheus.query("weir_telemetry_requests_in_flight != 0")?, []);
    for name in ["overflow_total", "expression_errors_total"] {
        assert_eq!(prometheus.sum(&format!("weir_telemetry_{name}"))?, 0.0, "{name}");
    }
    Ok(())
}

/// Fails unless each histogram counts every stream. Envoy's histograms have exact counts but
/// approximate sums.
fn assert_histograms(prometheus: &Prometheus, counts: &StreamCounts) -> Result<()> {
    let mut expected = Rows::new();
    for (row, count) in &counts.streams {
        let known = expected.entry(vec![row.operation.clone(), row.method.clone()]).or_default();
        *known = known.saturating_add(*count);
    }
    for name in ["request_duration_ms", "request_bytes", "response_bytes"] {
        for part in ["count", r#"bucket{le="+Inf"}"#] {
            let name = format!("{name}_{part}");
            assert_rows(prometheus, &OPERATION_AND_METHOD, &name, &expected)?;
        }
    }
    Ok(())
}

/// Fails unless the SLOs of both configurations together count every stream that the client did not
/// reset.
fn assert_slos(prometheus: &Prometheus, counts: &StreamCounts) -> Result<()> {
    let evaluated = sums_by(prometheus, &["slo"], "slo_total")?;
    assert!(evaluated.len() == 2 && evaluated.values().all(|count| *count > 0), "{evaluated:?}");
    let stayed = counts.total().saturating_sub(counts.client_resets);
    assert_eq!(evaluated.values().sum::<u64>(), stayed);
    let good: u64 = sums_by(prometheus, &["slo"], "slo_good_total")?.values().sum();
    assert_eq!(good, stayed.saturating_sub(counts.errors.values().sum()));
    Ok(())
}

/// Waits until a metric has exactly these counts by these labels. Zeros are ignored.
fn assert_rows(
    prometheus: &Prometheus,
    labels: &[&str],
    name: &str,
    expected: &Rows,
) -> Result<()> {
    let mut wrong = Vec::new();
    let waited = wait_until(name, TIMEOUT, || {
        let found = sums_by(prometheus, labels, name)?;
        let keys: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
        let count = |rows: &Rows, key| rows.get(key).copied().unwrap_or_default();
        let both = keys.into_iter().map(|key| (key, count(&found, key), count(expected, key)));
        wrong = both.filter(|(_, is, should)| is != should).map(|row| format!("{row:?}")).collect();
        Ok(wrong.is_empty())
    });
    waited.with_context(|| format!("labels, scraped, sent: {}", wrong.join("\n")))
}

/// Returns the sums of a metric by the values of these labels.
fn sums_by(prometheus: &Prometheus, labels: &[&str], name: &str) -> Result<Rows> {
    let mut rows = Rows::new();
    for series in prometheus.query(&format!("weir_telemetry_{name}"))? {
        let key = labels.iter().map(|label| series.label(label).to_owned()).collect();
        let row = rows.entry(key).or_default();
        *row = row.saturating_add(series.value as u64);
    }
    Ok(rows)
}
