//! A fixture with a collector, and the clusters and configurations for it.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{bootstrap::EnvoyOptions, client::Request, envoy::Envoy, process, upstream::Upstream};

use super::filter;

/// The collector's host in the samples.
pub(super) const HOST: &str = "otel-collector.monitoring.svc.cluster.local";
/// Timeout until spans arrive.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// An OTLP transport.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protocol {
    Grpc,
    Http,
}

impl Protocol {
    pub(super) const BOTH: [Self; 2] = [Self::Grpc, Self::Http];

    pub(super) fn port(self) -> u16 {
        match self {
            Self::Grpc => 4317,
            Self::Http => 4318,
        }
    }
}

/// Returns the cluster of the collector's port, named as by Istio.
pub(super) fn cluster(protocol: Protocol, address: SocketAddr) -> Value {
    let name = format!("outbound|{}||{HOST}", protocol.port());
    let socket = json!({"address": address.ip(), "port_value": address.port()});
    let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
    let spoken = match protocol {
        Protocol::Grpc => json!({"http2_protocol_options": {}}),
        Protocol::Http => json!({"http_protocol_options": {}}),
    };
    let kind = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    json!({
        "name": name,
        "connect_timeout": "1s",
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": kind, "explicit_http_config": spoken,
            },
        },
    })
}

/// Returns an extension provider for the collector with these fields of `queue`.
pub(super) fn provider(protocol: Protocol, queue: &Value) -> Value {
    let field = match protocol {
        Protocol::Grpc => "grpc",
        Protocol::Http => "http",
    };
    let port = protocol.port();
    let otel = json!({"service": HOST, "port": port, field: {}, "queue": queue});
    json!([{"name": "otel", "opentelemetry": otel}])
}

/// Returns a configuration that samples all requests.
pub(super) fn sample_all(protocol: Protocol, queue: &Value) -> Value {
    json!({
        "extensionProviders": provider(protocol, queue),
        "tracing": {"randomSamplingPercentage": 100},
    })
}

/// Envoy with telemetry between a client and an application, and clusters of collectors.
pub(super) struct Fixture {
    pub(super) envoy: Envoy,
    pub(super) app: Upstream,
}

impl Fixture {
    pub(super) fn start(concurrency: u32, clusters: Vec<Value>, config: &Value) -> Result<Self> {
        let app = Upstream::start()?;
        let options = EnvoyOptions::new(app.address(), vec![filter(config)]);
        let envoy = Envoy::start(EnvoyOptions { concurrency, clusters, ..options })?;
        Ok(Self { envoy, app })
    }

    /// Sends this many requests, one after the other.
    pub(super) fn send(&self, requests: usize) -> Result<()> {
        let client = self.envoy.http1();
        for _ in 0..requests {
            assert_eq!(client.send(Request::get("/orders/7?token=x"))?.status, 200);
        }
        Ok(())
    }

    /// Returns the values of counters or gauges of the filter.
    pub(super) fn stats<const N: usize>(&self, names: [&str; N]) -> Result<[u64; N]> {
        let stats = self.envoy.stats()?;
        Ok(names.map(|name| stats.value(&format!("wasmcustom.weir_telemetry_{name}"))))
    }

    /// Waits until every span is sent, rejected or dropped, and the queues are empty.
    pub(super) fn settle(&self) -> Result<()> {
        self.wait_until("exporting or dropping all spans", || {
            let [built, queued] = self.stats(["spans_built_total", "queue_bytes"])?;
            Ok(queued == 0 && built > 0 && built == self.accounted_spans()?)
        })
    }

    /// Returns all counters and gauges of the filter that are not 0, as text.
    pub(super) fn nonzero_stats(&self) -> Result<String> {
        let stats = self.envoy.stats()?;
        let own = stats.matching("weir_telemetry");
        let nonzero_stats = own.into_iter().filter(|(_, value)| *value > 0);
        Ok(nonzero_stats.map(|(name, value)| format!("{name} {value}\n")).collect())
    }

    /// Waits until `ready` returns `true`. The error shows the counters.
    pub(super) fn wait_until(&self, what: &str, ready: impl FnMut() -> Result<bool>) -> Result<()> {
        let waited = process::wait_until(what, TIMEOUT, ready);
        waited.with_context(|| self.nonzero_stats().unwrap_or_default())
    }

    /// Stops Envoy and fails if one of its VMs has trapped.
    pub(super) fn assert_no_trap(&mut self) -> Result<()> {
        let log = self.envoy.stop()?;
        for word in ["panicked", "Function: proxy_on"] {
            assert!(!log.contains(word), "{word}:\n{log}");
        }
        Ok(())
    }

    /// Returns the number of spans that were sent, rejected or dropped.
    pub(super) fn accounted_spans(&self) -> Result<u64> {
        let names = ["sent", "rejected", "dropped_full", "dropped_expired", "dropped_refused"];
        let more = ["dropped_oversize", "dropped_reconfigured"];
        let stats = self.envoy.stats()?;
        let value = |name| stats.value(&format!("wasmcustom.weir_telemetry_spans_{name}_total"));
        Ok(names.into_iter().chain(more).map(value).sum())
    }
}
