//! telemetry as a WasmPlugin, with labels extracted by Istio's `extraStatTags`.
//!
//! Istio's own metrics are not compared, because they need an extension that is only in Istio's
//! build of Envoy.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{client::Request, process::wait_until, upstream::REPLY_STATUS};

use crate::{Scenario, mesh::Mesh};

mod export;

/// The name of the filter, its image and its WasmPlugin.
const FILTER: &str = "telemetry";
/// Timeout until a metric is exported.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Time without changes after which a counter is considered final.
const CALM: Duration = Duration::from_secs(1);

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("telemetry exports labels through Istio's extraStatTags", labels_are_split),
    ("telemetry reports spans and logs of a gateway and a sidecar", export::of_gateway_and_sidecar),
    ("telemetry reports an outbound call of a sidecar as a client span", export::of_a_call),
    (
        "telemetry logs an unknown collector and recovers when it becomes known",
        export::recovers_when_the_service_is_known,
    ),
];

/// Checks the labels, including the gateway's `reporter`.
fn labels_are_split(mesh: &Mesh) -> Result<()> {
    let config = json!({
        "operations": [{"pathTemplate": "/telemetry/{id}", "name": "probe"}],
        "metrics": [{"labels": true}],
    });
    mesh.apply_plugin(FILTER, &config)?;
    let ours = "weir_telemetry_requests_total";
    wait_until("counting", TIMEOUT, || {
        mesh.send(Request::get("/before"))?;
        Ok(!samples(&mesh.metrics()?, ours).is_empty())
    })
    .with_context(|| {
        let metrics = mesh.metrics().unwrap_or_default();
        let lines: Vec<_> = metrics.lines().filter(|line| line.contains("weir_")).collect();
        lines.join("\n")
    })?;
    let before = settled(|| Ok(sum(&mesh.metrics()?, ours)))?;
    for number in 0..60 {
        let status = if number % 3 == 0 { "503" } else { "200" };
        let path = format!("/telemetry/{number}");
        mesh.send(Request::get(&path).header(REPLY_STATUS, status))?;
    }
    wait_until("counting all requests", TIMEOUT, || {
        Ok(sum(&mesh.metrics()?, ours) == before.saturating_add(60))
    })?;
    let metrics = mesh.metrics()?;
    for (code, count) in [("200", 40), ("503", 20)] {
        let labels = format!(r#"response_code="{code}""#);
        let wanted = |line: &str| {
            [r#"reporter="source""#, r#"request_method="GET""#, r#"request_operation="probe""#]
                .iter()
                .all(|label| line.contains(label))
        };
        let lines = samples(&metrics, ours);
        let line = lines.iter().find(|line| line.contains(&labels) && wanted(line));
        let line = line.with_context(|| format!("no {labels} in {lines:#?}"))?;
        ensure!(value(line) == count, "{line}");
    }
    Ok(())
}

/// Reads a value until it is unchanged for [`CALM`]. Workers flush counters five times a second.
fn settled(read: impl Fn() -> Result<u64>) -> Result<u64> {
    let mut last = (read()?, Instant::now());
    wait_until("counting to the end", TIMEOUT, || {
        let now = read()?;
        if now != last.0 {
            last = (now, Instant::now());
        }
        Ok(last.1.elapsed() > CALM)
    })?;
    Ok(last.0)
}

/// Returns the samples of a metric.
pub(crate) fn samples<'a>(metrics: &'a str, name: &str) -> Vec<&'a str> {
    metrics.lines().filter(|line| line.starts_with(&format!("{name}{{"))).collect()
}

fn sum(metrics: &str, name: &str) -> u64 {
    samples(metrics, name).iter().map(|line| value(line)).sum()
}

/// Returns the value of a sample.
pub(crate) fn value(line: &str) -> u64 {
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_default()
}
