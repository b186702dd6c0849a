//! telemetry in a gateway of Istio, whose agent splits the labels off names.
//!
//! Istio's own metrics need an extension that only Istio's build of Envoy has.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{client::Request, process::wait_until, upstream::REPLY_STATUS};

use crate::{Scenario, mesh::Mesh};

mod export;

/// The folder, image and WasmPlugin of the filter.
const FILTER: &str = "telemetry";
/// How long a metric may take to be shown.
const LIMIT: Duration = Duration::from_secs(30);
/// How long nothing is counted when everything has been.
const CALM: Duration = Duration::from_secs(1);

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("telemetry counts under labels that Istio's extraStatTags split off", labels_are_split),
    (
        "telemetry reports what a gateway and a sidecar saw of a request",
        export::of_gateway_and_sidecar,
    ),
    ("telemetry reports a sidecar's call as its client's", export::of_a_call),
    (
        "telemetry names a collector that the mesh does not know, and heals when it does",
        export::heals_when_the_service_is_known,
    ),
];

/// The side that the gateway is on, and every label, as only Istio's bootstrap shows them.
fn labels_are_split(mesh: &Mesh) -> Result<()> {
    let config = json!({
        "operations": [{"pathTemplate": "/telemetry/{id}", "name": "probe"}],
        "metrics": [{"labels": true}],
    });
    mesh.apply_plugin(FILTER, &config)?;
    let ours = "weir_telemetry_requests_total";
    wait_until("counting", LIMIT, || {
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
    wait_until("counted", LIMIT, || Ok(sum(&mesh.metrics()?, ours) == before.saturating_add(60)))?;
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

/// Reads a sum until it stays as it is: workers hand over what they count five times a second.
fn settled(read: impl Fn() -> Result<u64>) -> Result<u64> {
    let mut last = (read()?, Instant::now());
    wait_until("done with counting", LIMIT, || {
        let now = read()?;
        if now != last.0 {
            last = (now, Instant::now());
        }
        Ok(last.1.elapsed() > CALM)
    })?;
    Ok(last.0)
}

/// The samples of a metric.
fn samples<'a>(metrics: &'a str, name: &str) -> Vec<&'a str> {
    metrics.lines().filter(|line| line.starts_with(&format!("{name}{{"))).collect()
}

fn sum(metrics: &str, name: &str) -> u64 {
    samples(metrics, name).iter().map(|line| value(line)).sum()
}

fn value(line: &str) -> u64 {
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_default()
}
