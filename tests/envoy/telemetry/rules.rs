//! The shipped rules and dashboard, checked with promtool and a real Prometheus.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use telemetry::prometheus::Rules;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    fake_collector::{Behaviour, FakeCollector},
    process::{read_text, wait_until},
    prometheus::{Prometheus, promtool},
    repository,
    upstream::{REPLY_STATUS, Upstream},
};

use super::{
    LABELS,
    collectors::{Protocol, cluster, provider},
    filter, prometheus,
};

/// Timeout until Prometheus has scraped and evaluated.
const TIMEOUT: Duration = Duration::from_secs(40);
/// The alert for proxies without the filter, which must not fire here.
const BLIND: &str = "WeirTelemetryBlind";

fn folder() -> PathBuf {
    repository::root().join("observability/prometheus")
}

/// Envoy with a collector and an application, scraped by a Prometheus with rules.
struct Fixture {
    envoy: Envoy,
    collector: FakeCollector,
    prometheus: Prometheus,
    _app: Upstream,
}

impl Fixture {
    fn start(metrics: &Value, rules: &str) -> Result<Self> {
        let app = Upstream::start()?;
        let collector = FakeCollector::start(Behaviour::Healthy)?;
        let slow = json!({"http": [{"match": [{"uri": {"prefix": "/slow"}}],
            "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": "1500ms"}}}]});
        let filters = vec![filter(&document(metrics)), Filter::new("fault-injection", slow)];
        let mut options = EnvoyOptions::new(app.address(), filters);
        options.clusters = vec![cluster(Protocol::Grpc, collector.address())];
        options.stats_config = Some(prometheus::stats_tags(&LABELS));
        options.stats_flush = Some("1s".to_owned());
        let envoy = Envoy::start(options)?;
        let prometheus = Prometheus::start(envoy.admin_address(), &[&folder().join(rules)])?;
        Ok(Self { envoy, collector, prometheus, _app: app })
    }

    /// Sends successful, failing and slow requests. The collector accepts spans at first and then
    /// rejects them until the counter `failures` rises.
    fn traffic(&self, failures: &str) -> Result<()> {
        self.send_until_rising("spans_sent_total")?;
        self.collector.set_behaviour(Behaviour::Status(400, Vec::new()));
        self.send_until_rising(failures)
    }

    /// Sends requests until Prometheus sees a counter rise.
    fn send_until_rising(&self, name: &str) -> Result<()> {
        let rising = format!("rate(weir_telemetry_{name}[5m]) > 0");
        wait_until(name, TIMEOUT, || {
            self.send()?;
            Ok(!self.prometheus.query(&rising)?.is_empty())
        })
    }

    fn send(&self) -> Result<()> {
        let client = self.envoy.http1();
        // Some alerts need more than one request in ten seconds over five minutes.
        for number in 0..50 {
            let status = if number % 2 == 0 { "200" } else { "503" };
            let user = format!("user-{number}");
            let request = Request::get("/orders/7").header("x-user", user);
            client.send(request.header(REPLY_STATUS, status))?;
        }
        client.get("/slow/1").map(drop)
    }

    /// Fails unless `expression` returns series within the timeout.
    fn assert_gives(&self, expression: &str) -> Result<()> {
        wait_until(expression, TIMEOUT, || Ok(!self.prometheus.query(expression)?.is_empty()))
    }
}

fn document(metrics: &Value) -> Value {
    json!({
        "extensionProviders": provider(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"})),
        "tracing": {"randomSamplingPercentage": 100},
        "accessLogging": [{"providers": [{"name": "otel"}]}],
        "operations": [
            {"pathTemplate": "/orders/{id}", "name": "getOrder"},
            {"pathTemplate": "/slow/{id}", "name": "slow"},
        ],
        "slos": [{"name": "checkout"}],
        "metrics": [metrics],
    })
}

/// Fails unless every rule is healthy and returns data, except [`BLIND`].
fn check_rules(fixture: &Fixture) -> Result<()> {
    let rules = fixture.prometheus.rules()?;
    assert_eq!(rules.len(), 18);
    for rule in rules {
        let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
        let query = text("query");
        match text("name") {
            BLIND => {
                let (requests, _) =
                    query.split_once("unless").context("the alert has no `unless`")?;
                fixture.assert_gives(requests)?;
                assert_eq!(fixture.prometheus.query(query)?, []);
            }
            name => fixture.assert_gives(query).context(name.to_owned())?,
        }
    }
    for rule in fixture.prometheus.rules()? {
        assert_eq!(rule.get("health"), Some(&json!("ok")), "{rule}");
    }
    Ok(())
}

/// Returns the queries of the dashboard with its variables replaced.
fn dashboard() -> Result<Vec<String>> {
    let path = repository::root().join("observability/grafana/dashboard.json");
    let dashboard: Value = serde_json::from_str(&read_text(&path)?)?;
    let list = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let mut queries = Vec::new();
    for target in list(&dashboard, "panels").iter().flat_map(|panel| list(panel, "targets")) {
        let query = target.get("expr").and_then(Value::as_str).context("no query")?;
        queries.push(query.replace("$namespace", "shop"));
    }
    for variable in list(dashboard.get("templating").context("no variables")?, "list") {
        let query = variable.pointer("/query/query").and_then(Value::as_str).unwrap_or_default();
        let parts = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let parts = parts.and_then(|parts| parts.split_once(", "));
        queries.extend(parts.map(|(metric, label)| format!(r#"{metric}{{{label}!=""}}"#)));
    }
    ensure!(queries.len() > 15, "{queries:?}");
    Ok(queries)
}

#[test]
fn promtool_accepts_the_rules_and_their_tests() -> Result<()> {
    for variant in ["clean", "labelled"] {
        let output =
            promtool(&["check", "rules", &format!("{variant}.rules.yaml")], &folder(), b"")?;
        assert!(output.contains("SUCCESS: 18 rules found"), "{output}");
        let output = promtool(&["test", "rules", &format!("{variant}.test.yaml")], &folder(), b"")?;
        assert!(output.contains("SUCCESS"), "{output}");
    }
    Ok(())
}

#[test]
fn promtool_accepts_rules_for_another_configuration() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (is_labelled, count) in [(false, 28), (true, 18)] {
        let document = json!({
            "metrics": [{"prefix": "shop", "labels": is_labelled}],
            "slos": [
                {"name": "null", "objective": 99.9999},
                {"name": "search", "objective": 50},
                {"name": "rest"},
            ],
        });
        let rules = Rules::new(&serde_json::from_value(document)?).to_string();
        let output = promtool(&["check", "rules"], folder.path(), rules.as_bytes())?;
        assert!(output.contains(&format!("SUCCESS: {count} rules found")), "{output}");
    }
    Ok(())
}

#[test]
fn rules_and_dashboard_have_data_with_labels() -> Result<()> {
    let metrics = json!({"labels": true, "maxValues": 1, "definitions":
        [{"name": "by_user", "dimensions": {"user": {"value": "request.headers['x-user']"}}}]});
    let fixture = Fixture::start(&metrics, "labelled.rules.yaml")?;
    fixture.traffic("export_failures_total")?;
    check_rules(&fixture)?;
    for query in dashboard()? {
        fixture.assert_gives(&query)?;
    }
    Ok(())
}

#[test]
fn rules_have_data_without_labels() -> Result<()> {
    let metrics = json!({"definitions":
        [{"name": "amount", "type": "HISTOGRAM", "value": "int(request.headers['x-amount'])"}]});
    let fixture = Fixture::start(&metrics, "clean.rules.yaml")?;
    fixture.traffic("export_failures_refused_total")?;
    check_rules(&fixture)
}
