//! Export of spans and log records from Istio's proxies to a real collector.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    client::{Client, Request},
    collector::{Collector, Item},
    ports::{self, loopback},
    process::wait_until,
    upstream::{REPLY_STATUS, Received, Upstream},
};

use super::{FILTER, TIMEOUT, settled, sum};
use crate::{
    mesh::{Mesh, Proxy},
    plugin::Target,
};

/// The host of the application at the gateway.
const HOST: &str = "traced.mesh.example.com";
/// The collector's host in the samples.
const COLLECTOR: &str = "otel-collector.monitoring.svc.cluster.local";
const REQUESTS: usize = 300;
/// Number of requests that reaches every worker of a proxy.
const PROBES: u64 = 20;
/// Timeout until items arrive: a backoff, a tick and a batch delay.
const ARRIVAL: Duration = Duration::from_mins(1);

/// Registers the collector in the mesh under the host of the samples.
fn register_collector(mesh: &Mesh, collector: &Collector, sidecar_port: u16) -> Result<()> {
    let documents = include_str!("collector.yaml")
        .replace("$COLLECTOR_PORT", &collector.grpc().port().to_string())
        .replace("$SIDECAR_COLLECTOR_PORT", &sidecar_port.to_string());
    mesh.apply(&documents)
}

/// Starts the sidecar of an application. Returns it with a client of its outbound listener.
fn start_sidecar(mesh: &Mesh, app: &Upstream, collector_port: u16) -> Result<(Proxy, Client)> {
    let (port, client_port) = (ports::free()?, ports::free()?);
    let documents = include_str!("sidecar.yaml")
        .replace("$APP_PORT", &app.address().port().to_string())
        .replace("$SERVER_PORT", &port.to_string())
        .replace("$CLIENT_PORT", &client_port.to_string())
        .replace("$SIDECAR_COLLECTOR_PORT", &collector_port.to_string());
    mesh.apply(&documents)?;
    let mut proxy = mesh.start_sidecar()?;
    for port in [port, client_port] {
        proxy.wait_for_listener(loopback(port))?;
    }
    Ok((proxy, Client::http1(loopback(client_port))))
}

/// Returns the configurations of the gateway, which samples a tenth, and of the sidecar, which
/// follows the gateway's decision.
fn configs(sidecar_port: u16) -> (Value, Value) {
    let metrics = json!({"labels": true});
    let logs = json!({"providers": [{"name": "otel"}], "maxPerSecond": 10_000});
    let gateway = json!({
        "endpoint": format!("{COLLECTOR}:4317"), "sample_rate": 0.1,
        "accessLogging": logs, "metrics": metrics,
    });
    let sidecar = json!({
        "endpoint": format!("{COLLECTOR}:{sidecar_port}"),
        "accessLogging": logs, "metrics": metrics,
    });
    (gateway, sidecar)
}

/// Parses the received `traceparent` into trace id, parent id and whether it is sampled.
fn context(received: &Received) -> Result<(String, String, bool)> {
    let values = received.header("traceparent");
    let [value] = values.as_slice() else { anyhow::bail!("{received:?}") };
    let parts: Vec<&str> = value.split('-').collect();
    let [_, trace, span, flags] = parts.as_slice() else { anyhow::bail!("{value}") };
    Ok(((*trace).to_owned(), (*span).to_owned(), *flags == "01"))
}

pub(super) fn of_gateway_and_sidecar(mesh: &Mesh) -> Result<()> {
    let (collector, app, port) = (Collector::start()?, Upstream::start()?, ports::free()?);
    register_collector(mesh, &collector, port)?;
    let (proxy, _) = start_sidecar(mesh, &app, port)?;
    let (at_gateway, at_sidecar) = configs(port);
    mesh.apply_plugin(FILTER, &at_gateway)?;
    mesh.apply_plugin_at(FILTER, mesh.image(FILTER)?, &Target::SERVER, &at_sidecar)?;
    let send = |request: Request| mesh.send(request.authority(HOST));
    let ours = "weir_telemetry_requests_total";
    let counted = || -> Result<[u64; 2]> {
        let sums = || Ok([sum(&mesh.metrics()?, ours), sum(&proxy.metrics()?, ours)]);
        settled(|| Ok(sums()?.iter().sum()))?;
        sums()
    };
    wait_until("counting in every worker of both proxies", TIMEOUT, || {
        let before = counted()?;
        for _ in 0..PROBES {
            send(Request::get("/before"))?;
        }
        let after = counted()?;
        let is_all = |(before, after): (u64, u64)| after.saturating_sub(before) >= PROBES;
        Ok(before.into_iter().zip(after).all(is_all))
    })?;
    let metrics = proxy.metrics()?;
    ensure!(metrics.contains(r#"reporter="destination""#), "{metrics}");

    // From here on every request is recorded.
    let mut selected = BTreeMap::new();
    for number in 0..REQUESTS {
        let status = if number % 3 == 0 { "404" } else { "200" };
        let request = Request::get(&format!("/orders/{number}?token=secret"));
        let response = send(request.header(REPLY_STATUS, status))?;
        let (trace, span, is_sampled) = context(&Received::from_response(&response)?)?;
        if is_sampled {
            selected.insert(trace, (span, format!("/orders/{number}")));
        }
    }
    // A tenth within five standard deviations.
    ensure!((5..=60).contains(&selected.len()), "{} of {REQUESTS}", selected.len());
    let spans = || -> Result<Vec<Item>> {
        let spans = collector.spans()?;
        let path = |span: &Item| span.attributes.get("url.path").cloned().unwrap_or_default();
        Ok(spans.into_iter().filter(|span| path(span).starts_with("/orders/")).collect())
    };
    let all = selected.len().saturating_mul(2);
    wait_until("collecting both spans of each trace", ARRIVAL, || Ok(spans()?.len() >= all))?;
    let spans = spans()?;
    ensure!(spans.len() == all, "expected {all} spans, got {}", spans.len());
    for (trace, (last, path)) in &selected {
        check_trace(trace, last, path, &spans)?;
    }
    check_logs(mesh, &proxy, &collector, &selected)
}

/// Fails unless the gateway's span is the root and the sidecar's its child.
fn check_trace(trace: &str, last: &str, path: &str, spans: &[Item]) -> Result<()> {
    let of_trace: Vec<&Item> = spans.iter().filter(|span| span.text("traceId") == trace).collect();
    let find = |is_root: bool| {
        let wanted = |span: &&Item| span.text("parentSpanId").is_empty() == is_root;
        of_trace.iter().copied().find(wanted).with_context(|| format!("{trace}: {of_trace:?}"))
    };
    let (root, child) = (find(true)?, find(false)?);
    ensure!(child.text("parentSpanId") == root.text("spanId"), "{child:?} {root:?}");
    ensure!(child.text("spanId") == last, "{child:?}");
    for (span, workload, pod) in
        [(root, "the-gateway", "gateway-0"), (child, "the-sidecar", "sidecar-0")]
    {
        // Both are server spans, although Istio marks the gateway's listener as outbound.
        ensure!(span.json.get("kind") == Some(&json!(2)), "{span:?}");
        ensure!(
            span.json.get("status") != Some(&json!({"code": 2})),
            "a 404 must not be a server error"
        );
        ensure!(span.attributes.get("url.path").is_some_and(|found| found == path), "{span:?}");
        ensure!(!span.json.to_string().contains("secret"), "{span:?}");
        check_resource(span, workload, pod)?;
    }
    Ok(())
}

/// Fails unless the resource has the workload of the proxy's node metadata.
fn check_resource(item: &Item, workload: &str, pod: &str) -> Result<()> {
    for (name, value) in [
        ("service.name", workload),
        ("service.version", "v7"),
        ("service.namespace", "istio-ingress"),
        ("k8s.namespace.name", "istio-ingress"),
        ("k8s.pod.name", pod),
        ("istio.canonical_service", workload),
        ("istio.canonical_revision", "v7"),
        ("istio.namespace", "istio-ingress"),
        ("istio.mesh_id", "test-mesh"),
        ("istio.cluster_id", "Kubernetes"),
    ] {
        let found = item.resource.get(name).map(String::as_str);
        ensure!(found == Some(value), "{name}: {:?}", item.resource);
    }
    let id = item.resource.get("service.instance.id").context("no service.instance.id")?;
    ensure!(id.contains(pod), "{id}");
    Ok(())
}

/// Fails unless both proxies logged a record for every request, with its trace.
fn check_logs(
    mesh: &Mesh,
    proxy: &Proxy,
    collector: &Collector,
    traces: &BTreeMap<String, (String, String)>,
) -> Result<()> {
    let records = || -> Result<Vec<Item>> {
        let records = collector.logs()?.into_iter();
        let is_counted = |path: &String| path.starts_with("/orders/");
        let path = |record: &Item| record.attributes.get("path").cloned();
        Ok(records.filter(|record| path(record).as_ref().is_some_and(is_counted)).collect())
    };
    let all = REQUESTS.saturating_mul(2);
    let arrived = || Ok(records()?.len() >= all);
    wait_until("collecting every record", ARRIVAL, arrived).with_context(|| {
        let metrics = [mesh.metrics(), proxy.metrics()].map(Result::unwrap_or_default);
        let lines = metrics.iter().flat_map(|metrics| metrics.lines());
        lines.filter(|line| line.contains("telemetry_logs")).collect::<Vec<_>>().join("\n")
    })?;
    let records = records()?;
    ensure!(records.len() == all, "expected {all} records, got {}", records.len());
    for (trace, (span, path)) in traces {
        let is_sidecar =
            |item: &&Item| item.text("traceId") == trace && item.text("spanId") == span;
        let record =
            records.iter().find(is_sidecar).with_context(|| format!("no record of {trace}"))?;
        ensure!(record.attributes.get("path") == Some(path), "{record:?}");
        check_resource(record, "the-sidecar", "sidecar-0")?;
    }
    let is_warning = |record: &&Item| record.text("severityText") == "WARN";
    let warnings = records.iter().filter(is_warning).count();
    ensure!(warnings == REQUESTS.div_ceil(3).saturating_mul(2), "{warnings} warnings");
    Ok(())
}

pub(super) fn of_a_call(mesh: &Mesh) -> Result<()> {
    let (collector, app, port) = (Collector::start()?, Upstream::start()?, ports::free()?);
    register_collector(mesh, &collector, port)?;
    let (proxy, outbound) = start_sidecar(mesh, &app, port)?;
    let config = json!({
        "endpoint": format!("{COLLECTOR}:{port}"), "sample_rate": 1, "metrics": {"labels": true},
    });
    mesh.apply_plugin_at(FILTER, mesh.image(FILTER)?, &Target::CLIENT, &config)?;
    let call = || {
        let request = Request::get("/orders/1").authority("called.mesh.example.com");
        outbound.send(request.header(REPLY_STATUS, "404"))
    };
    wait_until("tracing calls", ARRIVAL, || {
        ensure!(call()?.status == 404, "the call failed");
        Ok(!collector.spans()?.is_empty())
    })?;
    let span = collector.spans()?.pop().context("no span")?;
    ensure!(span.json.get("kind") == Some(&json!(3)), "{span:?}");
    // For a client span, a 404 is an error.
    ensure!(span.json.pointer("/status/code") == Some(&json!(2)), "{span:?}");
    check_resource(&span, "the-sidecar", "sidecar-0")?;
    let counts = || Ok(proxy.metrics()?.contains(r#"reporter="source""#));
    wait_until("counting as the source", TIMEOUT, counts)
}

pub(super) fn recovers_when_the_service_is_known(mesh: &Mesh) -> Result<()> {
    let collector = Collector::start()?;
    let mark = mesh.log_mark();
    let config = json!({"endpoint": format!("{COLLECTOR}:4317"), "sample_rate": 1});
    mesh.apply_plugin(FILTER, &config)?;
    let unknown = "export_failures_unknown_cluster_total";
    wait_until("counting the unknown cluster", TIMEOUT, || {
        ensure!(mesh.send(Request::get("/orders/1"))?.status == 200, "a request failed");
        let metrics = mesh.metrics()?;
        let sample =
            metrics.lines().find(|line| line.starts_with(&format!("weir_telemetry_{unknown}")));
        Ok(sample.is_some_and(|line| !line.ends_with(" 0")))
    })?;
    let line = mesh.wait_for_log(mark, "is there a ServiceEntry")?;
    for word in ["warning", &format!("outbound|4317||{COLLECTOR}"), "Sidecar", "port"] {
        ensure!(line.contains(word), "{word}: {line}");
    }
    register_collector(mesh, &collector, ports::free()?)?;
    wait_until("collecting spans", ARRIVAL, || Ok(!collector.spans()?.is_empty()))?;
    // These include spans of requests sent while the collector was unknown.
    ensure!(collector.spans()?.iter().all(|span| span.attributes.contains_key("url.path")));
    Ok(())
}
