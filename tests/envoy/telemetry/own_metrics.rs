//! The filter's metrics about itself. Each must be above 0 at least once.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::Filter,
    client::Request,
    fake_collector::{Behaviour, FakeCollector},
    process,
};

use super::{
    FILTER,
    collectors::{Fixture, Protocol, TIMEOUT, cluster, sample_all},
};

/// The prefix of the names.
const PREFIX: &str = "wasmcustom.weir_telemetry_";

/// Returns a configuration that exports spans and log records in small batches that expire after
/// five seconds, with fields changed or added by JSON pointers.
fn config(changes: &[(&str, Value)]) -> Value {
    let queue = json!({"maxItems": 64, "maxBatchItems": 10, "maxBatchDelay": "200ms",
        "maxElapsedTime": "5s", "maxBatchBytes": 16_384, "maxBytes": 65_536});
    let mut config = sample_all(Protocol::Grpc, &queue);
    let logging = json!({"providers": [{"name": "otel"}], "maxPerSecond": 10_000});
    let common = [
        ("/extensionProviders/0/opentelemetry/grpc", json!({"timeout": "200ms"})),
        ("/extensionProviders/0/opentelemetry/maxTagLength", json!(4_096)),
        ("/accessLogging", logging),
        // The other metrics get another prefix.
        ("/metrics", json!({"prefix": "shop"})),
    ];
    for (pointer, value) in common.iter().chain(changes) {
        if let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(Value::Object(parent)) = config.pointer_mut(parent)
        {
            parent.insert(name.to_owned(), value.clone());
        }
    }
    config
}

/// Returns the names of the filter's metrics, all of them or those above 0.
fn own_metrics(fixture: &Fixture, only_above: bool) -> Result<BTreeSet<String>> {
    let stats = fixture.envoy.stats()?;
    let own_metrics = stats.matching(PREFIX).into_iter();
    let wanted = own_metrics.filter(|(_, value)| *value > 0 || !only_above);
    Ok(wanted.map(|(name, _)| name.replace(PREFIX, "")).collect())
}

/// Sends requests until all of these metrics have been above 0.
fn send_until(fixture: &Fixture, nonzero: &mut BTreeSet<String>, names: &[&str]) -> Result<()> {
    fixture.wait_until(&format!("counting {names:?}"), || {
        // A batch may expire before its retry, so more spans are needed.
        fixture.send(1)?;
        nonzero.append(&mut own_metrics(fixture, true)?);
        Ok(names.iter().all(|name| nonzero.contains(*name)))
    })
}

fn status(pairs: &[(&str, &str)]) -> Behaviour {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Behaviour::Grpc(pairs.collect())
}

/// Returns behaviours of the collector with the metrics that they increment.
fn behaviours() -> Vec<(Behaviour, Vec<&'static str>)> {
    let sent = ["spans_built_total", "spans_sent_total", "logs_built_total", "logs_sent_total"];
    let refused = ["spans_dropped_refused_total", "logs_dropped_refused_total"];
    vec![
        (Behaviour::Healthy, [&sent[..], &["export_requests_total"]].concat()),
        (
            status(&[("grpc-status", "3")]),
            [&refused[..], &["export_failures_refused_total"]].concat(),
        ),
        (Behaviour::Partial(1), vec!["spans_rejected_total", "logs_rejected_total"]),
        (
            Behaviour::Status(429, vec![("retry-after".to_owned(), "0".to_owned())]),
            vec!["export_failures_throttled_total", "export_retries_total"],
        ),
        (
            Behaviour::Slow(Duration::from_secs(2)),
            vec![
                "export_failures_timeout_total",
                "spans_dropped_expired_total",
                "logs_dropped_expired_total",
            ],
        ),
    ]
}

#[test]
fn every_own_metric_is_counted() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let mut fixture = Fixture::start(1, clusters, &config(&[]))?;
    let mut nonzero = BTreeSet::new();
    for (behaviour, names) in behaviours() {
        collector.set_behaviour(behaviour);
        fixture.send(20)?;
        send_until(&fixture, &mut nonzero, &names)?;
    }
    drop(collector);
    fixture.send(200)?;
    send_until(&fixture, &mut nonzero, &["spans_dropped_full_total", "logs_dropped_full_total"])?;
    send_until(&fixture, &mut nonzero, &["export_failures_unavailable_total", "queue_bytes"])?;

    let otel = "/extensionProviders/0/opentelemetry";
    let renamed = [
        ("/extensionProviders/0/name", json!("new")),
        ("/accessLogging/providers", json!([{"name": "new"}])),
        (&*format!("{otel}/service"), json!("nowhere.svc.cluster.local")),
        ("/tracing/maxSpansPerSecond", json!(1)),
        (
            "/tracing/sampling",
            json!([{"percentage": {"value": 1},
            "filter": {"expression": "request.headers['x-none'] == 'a'"}}]),
        ),
        ("/accessLogging/maxPerSecond", json!(1)),
        ("/accessLogging/always", json!({"errors": false})),
    ];
    // The queued items belong to the removed provider.
    fixture.envoy.reconfigure(&[Filter::new(FILTER, config(&renamed))])?;
    let dropped = ["spans_dropped_reconfigured_total", "logs_dropped_reconfigured_total"];
    fixture.send(20)?;
    send_until(&fixture, &mut nonzero, &dropped)?;
    send_until(
        &fixture,
        &mut nonzero,
        &["export_failures_unknown_cluster_total", "expression_errors_total"],
    )?;
    send_until(&fixture, &mut nonzero, &["spans_limited_total", "logs_limited_total"])?;

    let text = "x".repeat(4_096);
    let tags: Value =
        (0..5).map(|tag| (format!("tag{tag}"), json!({"literal": {"value": text}}))).collect();
    // Records are truncated to 8 KiB, resources are not.
    let name = |number: usize| format!("{number}{}", "n".repeat(120));
    let resource: Value = (0..31).map(|number| (name(number), json!("v".repeat(250)))).collect();
    let large = [("/tracing/customTags", tags), (&*format!("{otel}/resource"), resource)];
    fixture.envoy.reconfigure(&[Filter::new(FILTER, config(&large))])?;
    let traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    fixture.envoy.http1().send(Request::get("/").header("traceparent", "x"))?;
    let request = Request::get(&format!("/{}", "p".repeat(6_000))).header("traceparent", traced);
    fixture.envoy.http1().send(request.header("tracestate", "x"))?;
    send_until(
        &fixture,
        &mut nonzero,
        &["spans_dropped_oversize_total", "logs_dropped_oversize_total"],
    )?;
    send_until(&fixture, &mut nonzero, &["traceparent_invalid_total", "tracestate_invalid_total"])?;

    // Without labels the number of series is fixed.
    nonzero.insert("series".to_owned());
    let missing: Vec<_> = own_metrics(&fixture, false)?.difference(&nonzero).cloned().collect();
    assert!(missing.is_empty(), "never above 0: {missing:?}");
    fixture.wait_until("exporting the duration of exports", || {
        let metrics = fixture.envoy.admin().get("/stats/prometheus")?.text();
        let count = metrics.lines().find(|line| line.starts_with("weir_telemetry_export_ms_count"));
        Ok(count.is_some_and(|line| !line.ends_with(" 0")))
    })?;
    fixture.assert_no_trap()
}

#[test]
fn label_limits_are_counted() -> Result<()> {
    let config = json!({"metrics": {"labels": true, "prefix": "shop", "maxValues": 2,
        "definitions": [{"name": "x", "dimensions": {"user": "request.headers['x-user']"}}]}});
    let fixture = super::Fixture::start_labelled(1, &config)?;
    for user in ["a", "b", "c", "d"] {
        fixture.envoy.http1().send(Request::get("/").header("x-user", user))?;
    }
    let folded = r#"weir_telemetry_overflow_total{metric="shop_x_total"} 2"#;
    process::wait_until("counting series", TIMEOUT, || {
        let metrics = fixture.envoy.admin().get("/stats/prometheus")?.text();
        Ok(fixture.stat("series")? > 3 && metrics.contains(folded))
    })?;
    // An absent value of a label is counted as well.
    let before = fixture.stat("expression_errors_total")?;
    fixture.envoy.http1().get("/")?;
    process::wait_until("counting the failed expression", TIMEOUT, || {
        Ok(fixture.stat("expression_errors_total")? == before + 1)
    })
}
