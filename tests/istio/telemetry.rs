//! telemetry beside Istio's own metrics.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{client::Request, process::wait_until, upstream::REPLY_STATUS};

use crate::{Scenario, mesh::Mesh, say};

/// The folder, image and WasmPlugin of the filter.
const FILTER: &str = "telemetry";
/// How long a metric may take to be shown.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] =
    &[("telemetry counts what Istio itself counts, under labels of its own", beside_istio)];

/// The gateway has both; Istio's `extraStatTags` split our labels off.
fn beside_istio(mesh: &Mesh) -> Result<()> {
    let config = json!({
        "operations": [{"pathTemplate": "/telemetry/{id}", "name": "probe"}],
        "metrics": [{"labels": true}],
    });
    mesh.apply_plugin(FILTER, &config)?;
    let ours = "weir_telemetry_requests_total";
    wait_until("counting", LIMIT, || {
        mesh.send(Request::get("/before"))?;
        Ok(!samples(&mesh.metrics()?, ours).is_empty())
    })?;
    let before =
        [sum(&mesh.metrics()?, ours, ""), sum(&mesh.metrics()?, "istio_requests_total", "")];
    for number in 0..60 {
        let status = if number % 3 == 0 { "503" } else { "200" };
        let path = format!("/telemetry/{number}");
        mesh.send(Request::get(&path).header(REPLY_STATUS, status))?;
    }
    wait_until("both counted", LIMIT, || {
        Ok(sum(&mesh.metrics()?, ours, "") == before[0].saturating_add(60))
    })?;
    let metrics = mesh.metrics()?;
    let istio = sum(&metrics, "istio_requests_total", "").saturating_sub(before[1]);
    say(&format!("Istio counted {istio} more, telemetry 60"));
    ensure!(istio == 60, "Istio counted {istio}");
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

/// The samples of a metric.
fn samples<'a>(metrics: &'a str, name: &str) -> Vec<&'a str> {
    metrics.lines().filter(|line| line.starts_with(&format!("{name}{{"))).collect()
}

fn sum(metrics: &str, name: &str, part: &str) -> u64 {
    samples(metrics, name).iter().filter(|line| line.contains(part)).map(|line| value(line)).sum()
}

fn value(line: &str) -> u64 {
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_default()
}
