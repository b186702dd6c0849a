//! One Envoy per variant.

use std::{
    env,
    ffi::OsString,
    fs,
    net::SocketAddr,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{ports, process::Process};

use crate::{load, variants::Variant};

/// Number of probes, one per millisecond, between two checks that Envoy still runs.
const PROBES: usize = 20;

/// Returns the path of Envoy.
///
/// # Errors
///
/// Fails if `ENVOY_PATH` is not set.
pub(crate) fn envoy() -> Result<OsString> {
    env::var_os("ENVOY_PATH").context("ENVOY_PATH is not set: run this through `make bench`")
}

/// A running Envoy with one route with a direct response of 200.
pub(crate) struct Proxy {
    process: Process,
    address: SocketAddr,
    start_up: Duration,
    _folder: TempDir,
}

impl Proxy {
    /// Starts Envoy (`ENVOY_PATH`) with the variant's filters and waits for its first response.
    ///
    /// Its cluster `collector` sends HTTP/2 to that address.
    ///
    /// # Errors
    ///
    /// Fails with the end of Envoy's log if Envoy is missing or refuses the configuration.
    pub(crate) fn start(variant: &Variant, collector: SocketAddr, workers: usize) -> Result<Self> {
        let envoy = envoy()?;
        let folder = tempfile::tempdir()?;
        let address = ports::loopback(ports::free()?);
        let config = folder.path().join("envoy.json");
        fs::write(&config, bootstrap(address, collector, variant).to_string())?;
        let mut command = Command::new(envoy);
        command
            .args(["--concurrency", &workers.to_string()])
            .args(["--disable-hot-restart", "--log-level", "warn"])
            .arg("--config-path")
            .arg(&config);
        let log = folder.path().join("envoy.log");
        let started = Instant::now();
        let mut process = Process::start(&format!("Envoy {}", variant.name), &mut command, &log)?;
        process.wait_until("the first response", Duration::from_secs(60), |_| {
            answers(address, variant)
        })?;
        Ok(Self { process, address, start_up: started.elapsed(), _folder: folder })
    }

    /// Returns the time from the start of the process to the first response.
    pub(crate) fn start_up(&self) -> Duration {
        self.start_up
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

/// Returns `true` if Envoy answers one of a few probes.
///
/// Probes follow each other faster than the checks of [`Process::wait_until`], because start-up
/// takes only a few of its intervals.
fn answers(address: SocketAddr, variant: &Variant) -> Result<bool> {
    for _ in 0..PROBES {
        if load::probe(address, &variant.headers, variant.status)? {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(false)
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
