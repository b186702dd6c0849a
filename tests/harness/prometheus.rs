//! A real Prometheus that scrapes an Envoy, and promtool.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::Client,
    ports,
    process::{self, Process},
    repository,
};

/// Environment variable with the path of Prometheus. Default: `prometheus` on the `PATH`.
const PROMETHEUS: &str = "WEIR_PROMETHEUS";
/// Environment variable with the path of promtool. Default: `promtool` on the `PATH`.
const PROMTOOL: &str = "WEIR_PROMTOOL";
/// Timeout until it is ready.
const START: Duration = Duration::from_secs(30);

/// A running Prometheus. It stops when this value is dropped.
///
/// It scrapes `/stats/prometheus` and evaluates rules every second. Series have the labels `job`,
/// `instance`, `namespace="shop"` and `pod="a"`, like those of a pod.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

/// A series with its value at the time of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The labels, including `__name__`.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

impl Series {
    /// Returns the value of a label, which is empty if it is absent.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map(String::as_str).unwrap_or_default()
    }
}

impl Prometheus {
    /// Starts Prometheus on a free port with these rule files.
    ///
    /// # Errors
    /// If it is not installed or rejects a file.
    pub fn start(target: SocketAddr, rules: &[&Path]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("weir-prometheus-").tempdir()?;
        let address = ports::loopback(ports::free()?);
        let path = folder.path().join("prometheus.json");
        fs::write(&path, configuration(target, rules).to_string())?;
        let mut command = Command::new(process::program(PROMETHEUS, "prometheus"));
        command
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"));
        let log = folder.path().join("prometheus.log");
        let mut process = Process::start("Prometheus", &mut command, &log)
            .with_context(|| process::missing(PROMETHEUS, "prometheus"))?;
        let client = Client::http1(address);
        process.wait_until("ready", START, |_| {
            Ok(client.get("/-/ready").is_ok_and(|response| response.status == 200))
        })?;
        Ok(Self { _process: process, address, _folder: folder })
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    /// If Prometheus rejects the expression or warns about it, or the result has no series.
    pub fn query(&self, expression: &str) -> Result<Vec<Series>> {
        let path = format!("/api/v1/query?query={}", encoded(expression));
        let response = self.api(&path).with_context(|| expression.to_owned())?;
        let warnings = response.get("warnings").and_then(Value::as_array);
        ensure!(warnings.is_none_or(Vec::is_empty), "{expression}: {warnings:?}");
        let result = response.pointer("/data/result").and_then(Value::as_array);
        let result = result.with_context(|| format!("{expression}: no series in {response}"))?;
        result.iter().map(series).collect()
    }

    /// Returns the sum of all series of an expression, 0 without series.
    ///
    /// # Errors
    /// See [`Prometheus::query`].
    pub fn sum(&self, expression: &str) -> Result<f64> {
        Ok(self.query(expression)?.iter().map(|series| series.value).sum())
    }

    /// Returns the rules with their expressions and health, as in Prometheus' API.
    ///
    /// # Errors
    /// If Prometheus does not respond.
    pub fn rules(&self) -> Result<Vec<Value>> {
        let response = self.api("/api/v1/rules")?;
        let groups = response.pointer("/data/groups").and_then(Value::as_array);
        let rules = groups.context("no groups")?.iter().filter_map(|group| group.get("rules"));
        Ok(rules.filter_map(Value::as_array).flatten().cloned().collect())
    }

    fn api(&self, path: &str) -> Result<Value> {
        let response = Client::http1(self.address).get(path)?;
        ensure!(response.status == 200, "{}", response.text());
        response.json()
    }
}

/// Runs promtool with `input` on its standard input and returns its output.
///
/// # Errors
/// If promtool is not installed or fails. The error contains its output.
pub fn promtool(arguments: &[&str], folder: &Path, input: &[u8]) -> Result<String> {
    let mut child = Command::new(process::program(PROMTOOL, "promtool"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| process::missing(PROMTOOL, "promtool"))?;
    let mut stdin = child.stdin.take().context("no input")?;
    // promtool may exit before it has read everything.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output()?;
    let bytes = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    ensure!(output.status.success(), "promtool {arguments:?}:\n{text}");
    Ok(text)
}

/// Returns the configuration as JSON, which is valid YAML.
fn configuration(target: SocketAddr, rules: &[&Path]) -> Value {
    json!({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": rules,
        "scrape_configs": [{
            "job_name": "envoy",
            "metrics_path": "/stats/prometheus",
            "static_configs": [{"targets": [target], "labels": {"namespace": "shop", "pod": "a"}}],
        }],
    })
}

fn series(entry: &Value) -> Result<Series> {
    let labels = entry.get("metric").and_then(Value::as_object).context("no labels")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let value = entry.pointer("/value/1").and_then(Value::as_str).context("no value")?;
    let labels = labels.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    Ok(Series { labels, value: value.parse()? })
}

/// Percent-encodes all but letters and digits (RFC 3986).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Returns the queries of the dashboard of a filter with its variables replaced.
///
/// # Errors
/// If the dashboard cannot be read, or has a target without a query.
pub fn dashboard_queries(filter: &str) -> Result<Vec<String>> {
    let path = repository::root().join(format!("observability/grafana/{filter}.json"));
    let dashboard: Value = serde_json::from_str(&process::read_text(&path)?)?;
    let list = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let panels = list(&dashboard, "panels");
    let targets = panels.iter().flat_map(|panel| list(panel, "targets"));
    let queries: Option<Vec<_>> = targets
        .map(|target| Some(target.get("expr")?.as_str()?.replace("$namespace", "shop")))
        .collect();
    let queries = queries.context("a target has no expr")?;
    ensure!(queries.len() > 10, "{queries:?}");
    Ok(queries)
}
