//! A real OpenTelemetry Collector that writes spans and log records to files.

use std::{
    collections::BTreeMap,
    env, fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    ports,
    process::{Process, read_text},
};

/// Environment variable with the path of the collector. Default: `otelcol` on the `PATH`.
const OTELCOL: &str = "WEIR_OTELCOL";
/// Timeout until it listens.
const START: Duration = Duration::from_secs(30);

/// A running collector. It stops when this value is dropped.
#[derive(Debug)]
pub struct Collector {
    process: Process,
    grpc: SocketAddr,
    http: SocketAddr,
    folder: TempDir,
}

/// A span or a log record as written by the collector.
#[derive(Clone, Debug)]
pub struct Item {
    /// The item in OTLP's JSON encoding.
    pub json: Value,
    /// The attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// The attributes of the resource as text.
    pub resource: BTreeMap<String, String>,
}

impl Item {
    /// Returns a string member, or an empty string if it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.json.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Collector {
    /// Starts the collector on free ports.
    ///
    /// # Errors
    /// If it is not installed or does not listen.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("weir-otelcol-").tempdir()?;
        let grpc = ports::loopback(ports::free()?);
        let http = ports::loopback(ports::free()?);
        let path = folder.path().join("config.json");
        fs::write(&path, configuration(&folder, grpc, http).to_string())?;
        let program = env::var_os(OTELCOL).map_or_else(|| PathBuf::from("otelcol"), PathBuf::from);
        let mut command = Command::new(program);
        command.arg("--config").arg(&path);
        let log = folder.path().join("otelcol.log");
        let missing = || {
            format!("otelcol is not on the PATH: run `make tools`, or set {OTELCOL} to its path")
        };
        let mut process = Process::start("otelcol", &mut command, &log).with_context(missing)?;
        let listens = |address: &SocketAddr| TcpStream::connect(address).is_ok();
        process.wait_until("listening", START, |_| Ok(listens(&grpc) && listens(&http)))?;
        Ok(Self { process, grpc, http, folder })
    }

    /// Returns the address for OTLP over gRPC.
    pub fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    /// Returns the address for OTLP over HTTP.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Returns the collector's log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Returns the spans received so far.
    ///
    /// # Errors
    /// If the collector's file is not JSON.
    pub fn spans(&self) -> Result<Vec<Item>> {
        self.items("traces", ["resourceSpans", "scopeSpans", "spans"])
    }

    /// Returns the log records received so far.
    ///
    /// # Errors
    /// If the collector's file is not JSON.
    pub fn logs(&self) -> Result<Vec<Item>> {
        self.items("logs", ["resourceLogs", "scopeLogs", "logRecords"])
    }

    fn items(&self, file: &str, levels: [&str; 3]) -> Result<Vec<Item>> {
        let text = read_text(&self.folder.path().join(file)).unwrap_or_default();
        let mut items = Vec::new();
        // The last line may be incomplete.
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let request: Value = serde_json::from_str(line).context("not JSON")?;
            for resource in list(&request, levels[0]) {
                let resource_attributes =
                    attributes(resource.get("resource").unwrap_or(&Value::Null));
                let scopes = list(resource, levels[1]);
                for item in scopes.iter().flat_map(|scope| list(scope, levels[2])) {
                    items.push(Item {
                        json: item.clone(),
                        attributes: attributes(item),
                        resource: resource_attributes.clone(),
                    });
                }
            }
        }
        Ok(items)
    }
}

fn configuration(folder: &TempDir, grpc: SocketAddr, http: SocketAddr) -> Value {
    let file = |name: &str| json!({"path": folder.path().join(name).display().to_string(), "flush_interval": "100ms"});
    let protocols = json!({"grpc": {"endpoint": grpc}, "http": {"endpoint": http}});
    let pipeline = |exporter: &str| json!({"receivers": ["otlp"], "exporters": [exporter]});
    json!({
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": {"file/traces": file("traces"), "file/logs": file("logs")},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": pipeline("file/traces"), "logs": pipeline("file/logs")},
        },
    })
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Reads attributes, with numbers and booleans as text.
fn attributes(item: &Value) -> BTreeMap<String, String> {
    let pair = |attribute: &Value| {
        let key = attribute.get("key")?.as_str()?.to_owned();
        let (_, value) = attribute.get("value")?.as_object()?.iter().next()?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some((key, text))
    };
    list(item, "attributes").iter().filter_map(pair).collect()
}
