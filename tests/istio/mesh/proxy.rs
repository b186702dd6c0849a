//! Istio's agent with its Envoy.

use std::{fs, net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    client::Client,
    ports::{self, loopback},
    process::Process,
};

use super::{
    control_plane::{ControlPlane, returns_200},
    credentials,
    launcher::Launcher,
    role::Role,
};
use crate::tools::Tools;

/// Timeout until the agent and Envoy are ready, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The agent's folder for pulled modules, which is not configurable.
const MODULES: &str = "/var/lib/istio/data";

/// The labels that the proxy extracts from the names of metrics.
const EXTRA_STAT_TAGS: [&str; 8] = [
    "reporter",
    "request_method",
    "request_operation",
    "response_code",
    "grpc_response_status",
    "slo",
    "metric",
    "reason",
];

/// Substrings of a listener that occur only in filters created from the tests' documents.
const POLICIES: [&str; 3] = [
    "envoy.extensions.filters.http.wasm",
    "\"name\": \"envoy.filters.http.rbac\"",
    "\"name\": \"envoy.filters.http.jwt_authn\"",
];

/// A proxy of the mesh.
#[derive(Debug)]
pub(crate) struct Proxy {
    process: Process,
    admin: Client,
}

impl Proxy {
    /// Starts the agent and waits until its Envoy is configured.
    ///
    /// # Errors
    /// If a folder cannot be created, there are no credentials, or the proxy does not become ready.
    pub(super) fn start(
        launcher: &Launcher,
        control_plane: &ControlPlane,
        role: Role,
    ) -> Result<Self> {
        fs::create_dir_all(MODULES).with_context(|| {
            format!(
                "cannot create {MODULES}, which the agent needs: create it and make it writable"
            )
        })?;
        let (ports, home) = (Ports::free()?, launcher.home(role.name())?);
        credentials::write(&control_plane.kubectl, role, &home)?;
        let namespace = role.namespace();
        let mut command = Command::new(&launcher.tools.pilot_agent);
        command
            .args(["proxy", role.kind(), "--domain"])
            .arg(format!("{namespace}.svc.cluster.local"))
            .env("INSTANCE_IP", "127.0.0.1")
            .env("POD_NAME", format!("{}-0", role.name()))
            .env("POD_NAMESPACE", namespace)
            .env("SERVICE_ACCOUNT", role.service_account())
            .env("ISTIO_META_NAMESPACE", namespace)
            .env("ISTIO_META_CLUSTER_ID", "Kubernetes")
            .env("ISTIO_META_INTERCEPTION_MODE", "NONE")
            .env("ISTIO_META_MESH_ID", "test-mesh")
            .env("ISTIO_METAJSON_LABELS", role.pod_labels().to_string())
            .env("CLOUD_PLATFORM", "none")
            .env("ENVOY_STATUS_PORT", ports.health.to_string())
            .env("ENVOY_PROMETHEUS_PORT", ports.metrics.to_string())
            .env("PROXY_CONFIG", proxy_config(&launcher.tools, &ports, control_plane.xds_port))
            .current_dir(&home);
        let mut process = launcher.start(role.name(), &mut command)?;
        let health = Client::http1(loopback(ports.health));
        process.wait_until("ready", TIMEOUT, |_| Ok(returns_200(&health, "/healthz/ready")))?;
        Ok(Self { process, admin: Client::http1(loopback(ports.admin)) })
    }

    /// Waits until the proxy listens on `address`.
    ///
    /// # Errors
    /// If that takes longer than 60 seconds. The error contains the log.
    pub(crate) fn wait_for_listener(&mut self, address: SocketAddr) -> Result<()> {
        let client = Client::http1(address);
        self.process.wait_until("listening", TIMEOUT, |_| Ok(client.get("/").is_ok()))
    }

    /// Returns the log of the agent and Envoy.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Returns the metrics in Prometheus format.
    ///
    /// # Errors
    /// If Envoy's admin interface does not respond.
    pub(crate) fn metrics(&self) -> Result<String> {
        Ok(self.admin.get("/stats/prometheus")?.text())
    }

    /// Returns the HTTP filters of the first listener that has any, in request order.
    ///
    /// # Errors
    /// If Envoy's admin interface does not respond.
    pub(crate) fn http_filters(&self) -> Result<Vec<String>> {
        let dump = self.admin.get("/config_dump?resource=dynamic_listeners")?.json()?;
        let list = |value: &Value, path| {
            value.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        for listener in list(&dump, "/configs") {
            let chains = list(&listener, "/active_state/listener/filter_chains");
            let networks = chains.iter().flat_map(|chain| list(chain, "/filters"));
            let mut https = networks.map(|network| list(&network, "/typed_config/http_filters"));
            if let Some(filters) = https.find(|filters| !filters.is_empty()) {
                let name = |filter: &Value| Some(filter.get("name")?.as_str()?.to_owned());
                return Ok(filters.iter().filter_map(name).collect());
            }
        }
        Ok(Vec::new())
    }

    /// Returns `true` if a listener contains a filter of a test.
    ///
    /// # Errors
    /// If Envoy's admin interface does not respond.
    pub(crate) fn has_policy(&self) -> Result<bool> {
        let listeners = self.admin.get("/config_dump?resource=dynamic_listeners")?.text();
        Ok(POLICIES.iter().any(|name| listeners.contains(name)))
    }
}

/// The ports of a proxy, except those of its listeners.
struct Ports {
    admin: u16,
    status: u16,
    health: u16,
    metrics: u16,
}

impl Ports {
    fn free() -> Result<Self> {
        Ok(Self {
            admin: ports::free()?,
            status: ports::free()?,
            health: ports::free()?,
            metrics: ports::free()?,
        })
    }
}

fn proxy_config(tools: &Tools, ports: &Ports, xds_port: u16) -> String {
    let config = json!({
        "binaryPath": tools.envoy,
        "proxyBootstrapTemplatePath": tools.bootstrap_template(),
        "discoveryAddress": loopback(xds_port).to_string(),
        "concurrency": 2,
        "terminationDrainDuration": "0s",
        "extraStatTags": EXTRA_STAT_TAGS,
        "proxyAdminPort": ports.admin,
        "statusPort": ports.status,
        // One trusted hop, so that x-forwarded-for gives the client's address.
        "gatewayTopology": {"numTrustedProxies": 1},
        "proxyMetadata": {"METRICS_LOCALHOST_ACCESS_ONLY": "true"},
    });
    config.to_string()
}
