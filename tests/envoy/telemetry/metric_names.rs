//! The shipped rules and dashboard only use existing metrics.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    client::Request,
    process::{read_text, wait_until},
    repository,
};

use super::{Fixture, prometheus::Scrape};

/// Returns a configuration with all metrics that the files use.
fn document(metrics: &Value) -> Value {
    json!({
        "endpoint": "otel-collector.monitoring.svc.cluster.local:4317",
        "sampleRate": 0.5,
        "accessLogging": [{"providers": [{"name": "otel"}], "percentage": {"value": 50}}],
        "operations": [{"pathTemplate": "/orders/{id}", "name": "getOrder"}],
        "slos": [{"name": "checkout"}],
        "metrics": [metrics],
    })
}

/// Returns the names of the filter's metrics in a text, without the suffixes of histograms.
fn names(text: &str) -> BTreeSet<&str> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let ours = text.split(word).filter(|word| word.starts_with("weir_telemetry_"));
    ours.map(|name| ["_bucket", "_sum"].iter().fold(name, |name, end| name.trim_end_matches(end)))
        .collect()
}

fn check(fixture: &Fixture, files: &[&str]) -> Result<()> {
    for number in 0..4 {
        let user = format!("user-{number}");
        fixture.envoy.http1().send(Request::get("/orders/7").header("x-user", user))?;
    }
    for file in files {
        let text = read_text(&repository::root().join(file))?;
        let mut missing = Vec::new();
        wait_until("exporting every metric", Duration::from_secs(30), || {
            let scrape = Scrape::of(&fixture.envoy)?;
            let known = names(scrape.text());
            missing = names(&text).difference(&known).map(ToString::to_string).collect();
            Ok(missing.is_empty())
        })
        .map_err(|error| error.context(format!("{file} uses {missing:?}")))?;
    }
    Ok(())
}

#[test]
fn labelled_metrics_of_rules_and_dashboard_exist() -> Result<()> {
    let metrics = json!({"labels": true, "maxValues": 1, "definitions":
        [{"name": "by_user", "dimensions": {"user": {"value": "request.headers['x-user']"}}}]});
    let fixture = Fixture::start_labelled(1, &document(&metrics))?;
    check(
        &fixture,
        &["observability/prometheus/labelled.rules.yaml", "observability/grafana/dashboard.json"],
    )
}

#[test]
fn unlabelled_metrics_of_rules_exist() -> Result<()> {
    let fixture = Fixture::start(&document(&json!({})))?;
    check(&fixture, &["observability/prometheus/clean.rules.yaml"])
}
