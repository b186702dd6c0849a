//! One Envoy per variant.

use std::{
    env, fs,
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{ports, process::Process};

use crate::variants::Variant;

/// A running Envoy with one worker and one route with a direct response of 200.
pub(crate) struct Proxy {
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Proxy {
    /// Starts Envoy (`ENVOY_PATH`) with the variant's filters and waits until it listens.
    ///
    /// Its cluster `collector` sends HTTP/2 to that address.
    ///
    /// # Errors
    ///
    /// Fails with the end of Envoy's log if Envoy is missing or refuses the configuration.
    pub(crate) fn start(variant: &Variant, collector: SocketAddr) -> Result<Self> {
        let envoy = env::var_os("ENVOY_PATH")
            .context("ENVOY_PATH is not set: run this through `make bench`")?;
        let folder = tempfile::tempdir()?;
        let address = ports::loopback(ports::free()?);
        let config = folder.path().join("envoy.json");
        fs::write(&config, bootstrap(address, collector, variant).to_string())?;
        let mut command = Command::new(envoy);
        command
            .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"])
            .arg("--config-path")
            .arg(&config);
        let log = folder.path().join("envoy.log");
        let mut process = Process::start(&format!("Envoy {}", variant.name), &mut command, &log)?;
        process.wait_until("listening", Duration::from_secs(60), |_| {
            Ok(TcpStream::connect(address).is_ok())
        })?;
        Ok(Self { process, address, _folder: folder })
    }

    /// Returns the id of the measured process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns the listener's address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn bootstrap(address: SocketAddr, collector: SocketAddr, variant: &Variant) -> Value {
    let router = json!({"name": "router", "typed_config":
        {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let filters: Vec<&Value> = variant.filters.iter().chain([&router]).collect();
    let socket = json!({"address": collector.ip(), "port_value": collector.port()});
    let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
    let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let clusters = json!([{
        "name": "collector",
        "load_assignment": {"cluster_name": "collector", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {options: {
            "@type": format!("type.googleapis.com/{options}"),
            "explicit_http_config": {"http2_protocol_options": {}},
        }},
    }]);
    json!({"static_resources": {"clusters": clusters, "listeners": [{
        "address": {"socket_address": {"address": address.ip(), "port_value": address.port()}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "bench",
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
                {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok"}}}
            ]}]},
            "http_filters": filters,
            "access_log": Vec::from_iter(&variant.access_log),
        }}]}]
    }]}})
}
