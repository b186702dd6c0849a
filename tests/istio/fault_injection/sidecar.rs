//! fault-injection in the sidecar of a server, with timeout and retries of the gateway.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    client::Request,
    ports::{self, loopback},
    process::wait_until,
    upstream::Upstream,
};

use super::FILTER;
use crate::{mesh::Mesh, plugin::Target, report};

const HOST: &str = "faulty.mesh.example.com";
const CALLS: u32 = 2_000;
/// Timeout until the proxy applies a change, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The gateway's timeout and retries apply to faults of a WasmPlugin in the server's sidecar.
pub(super) fn timeout_and_retries_apply(mesh: &Mesh) -> Result<()> {
    let app = Upstream::start()?;
    let (client_port, server_port) = (ports::free()?, ports::free()?);
    let documents = include_str!("sidecar.yaml")
        .replace("$APP_PORT", &app.address().port().to_string())
        .replace("$CLIENT_PORT", &client_port.to_string())
        .replace("$SERVER_PORT", &server_port.to_string());
    mesh.apply(&documents)?;
    let mut proxy = mesh.start_sidecar()?;
    proxy.wait_for_listener(loopback(server_port))?;
    let (all, half) = (json!({"value": 100}), json!({"value": 50}));
    let config = json!({"http": [
        {"name": "ready", "match": [{"uri": {"prefix": "/ready"}}],
            "fault": {"abort": {"percentage": all, "httpStatus": 418}}},
        {"name": "slow", "match": [{"uri": {"prefix": "/slow"}}],
            "fault": {"delay": {"percentage": all, "fixedDelay": "5s"}}},
        {"name": "flaky", "match": [{"uri": {"prefix": "/flaky"}}],
            "fault": {"abort": {"percentage": half, "httpStatus": 503}}},
    ]});
    mesh.apply_plugin_at(FILTER, mesh.image(FILTER)?, &Target::SERVER, &config)?;
    let get = |path: &str| mesh.send(Request::get(path).authority(HOST));
    // Often enough to reach every worker of the proxy.
    let is_ready = || -> Result<bool> {
        let statuses: Vec<u16> =
            (0..20).map(|_| Ok(get("/ready")?.status)).collect::<Result<_>>()?;
        Ok(statuses == [418; 20])
    };
    wait_until("running the filter in the sidecar", TIMEOUT, is_ready)?;
    let reached = app.count();
    let started = Instant::now();
    let response = get("/slow")?;
    let elapsed = started.elapsed();
    report(&format!("the gateway's timeout of 1 s took {elapsed:.2?} with a delay in the sidecar"));
    ensure!(response.status == 504, "{response:?}");
    ensure!(
        elapsed > Duration::from_millis(950) && elapsed < Duration::from_secs(2),
        "{elapsed:?}"
    );
    ensure!(app.count() == reached, "a request that timed out reached the application");
    let mut failed = 0_u32;
    for _ in 0..CALLS {
        let response = get("/flaky")?;
        failed = failed.saturating_add(u32::from(response.status == 503));
    }
    report(&format!(
        "{failed} of {CALLS} calls failed after two retries with aborts in the sidecar"
    ));
    // An eighth within four standard deviations.
    ensure!((f64::from(failed) / f64::from(CALLS) - 0.125).abs() < 0.03, "{failed}");
    let other = get("/")?;
    ensure!(other.status == 200, "{other:?}");
    Ok(())
}
