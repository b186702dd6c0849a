//! fault-injection as a WasmPlugin, and in front of a server with timeouts and retries of a
//! VirtualService.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    upstream::Upstream,
};

use crate::{
    Scenario,
    mesh::{Mesh, NAMESPACE},
    report,
};

mod sidecar;

/// The name of the filter, its image and its WasmPlugin.
const FILTER: &str = "fault-injection";
/// The host of the server.
const HOST: &str = "faulty.example.com";

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("fault-injection as a WasmPlugin aborts what it matches", plugin_aborts),
    ("a VirtualService's timeout ends a delay at the server", timeout_ends_delay),
    ("a VirtualService's retries apply to aborts at the server", retries_apply_to_aborts),
    (
        "the gateway's timeout and retries apply to a sidecar's faults",
        sidecar::timeout_and_retries_apply,
    ),
    ("timeouts and retries do not apply to Istio's own faults", native_fault_bypasses_both),
];

/// `match` and `fault` of a VirtualService work in a WasmPlugin at the gateway.
fn plugin_aborts(mesh: &Mesh) -> Result<()> {
    let fault = json!({"abort": {"percentage": {"value": 100}, "httpStatus": 418}});
    let entry = json!({"match": [{"uri": {"prefix": "/checkout"}}], "fault": fault});
    mesh.apply_plugin(FILTER, &json!({"http": [entry]}))?;
    let request = Request::get("/checkout/1");
    let response = mesh.wait_for("aborting", &request, |response| response.status == 418)?;
    ensure!(response.text() == "fault filter abort", "{response:?}");
    let other = mesh.send(Request::get("/orders"))?;
    ensure!(other.status == 200, "a request that does not match: {other:?}");
    Ok(())
}

fn timeout_ends_delay(mesh: &Mesh) -> Result<()> {
    let delay = json!({"delay": {"percentage": {"value": 100}, "fixedDelay": "5s"}});
    let server = Server::start(&json!({"http": [{"fault": delay}]}))?;
    mesh.apply(&server.route(&json!({"timeout": "1s"})))?;
    let request = Request::get("/").authority(HOST);
    mesh.wait_for("routing to the server", &request, |response| response.status == 504)?;
    let started = Instant::now();
    let response = mesh.send(request)?;
    let elapsed = started.elapsed();
    report(&format!("the timeout of 1 s took {elapsed:.2?}"));
    ensure!(response.status == 504, "{response:?}");
    ensure!(
        elapsed > Duration::from_millis(950) && elapsed < Duration::from_secs(2),
        "{elapsed:?}"
    );
    Ok(())
}

fn retries_apply_to_aborts(mesh: &Mesh) -> Result<()> {
    const CALLS: u32 = 2_000;
    let abort = json!({"abort": {"percentage": {"value": 50}, "httpStatus": 503}});
    let server = Server::start(&json!({"http": [{"fault": abort}]}))?;
    let retries = json!({"attempts": 2, "retryOn": "5xx", "backoff": "1ms"});
    mesh.apply(&server.route(&json!({"retries": retries})))?;
    let request = Request::get("/").authority(HOST);
    mesh.wait_for("routing to the server", &request, |response| response.status == 200)?;
    server.wait_until_routed(mesh, &request)?;
    let mut failed = 0_u32;
    for _ in 0..CALLS {
        failed = failed.saturating_add(u32::from(mesh.send(request.clone())?.status == 503));
    }
    let share = f64::from(failed) / f64::from(CALLS);
    report(&format!("{failed} of {CALLS} calls failed after two retries"));
    // An eighth within four standard deviations.
    ensure!((share - 0.125).abs() < 0.03, "{share}");
    Ok(())
}

/// Control group: Istio's own fault filter runs before the router of the caller's proxy.
fn native_fault_bypasses_both(mesh: &Mesh) -> Result<()> {
    let server = Server::start(&json!({}))?;
    let delay = json!({"delay": {"percentage": {"value": 100}, "fixedDelay": "2s"}});
    mesh.apply(&server.route(&json!({"timeout": "1s", "fault": delay})))?;
    let request = Request::get("/").authority(HOST);
    server.wait_until_routed(mesh, &request)?;
    let started = Instant::now();
    let response = mesh.send(request.clone())?;
    let elapsed = started.elapsed();
    ensure!(
        response.status == 200 && elapsed > Duration::from_millis(1_950),
        "{elapsed:?}: {response:?}"
    );
    let abort = json!({"abort": {"percentage": {"value": 50}, "httpStatus": 503}});
    let retries = json!({"attempts": 2, "retryOn": "5xx", "backoff": "1ms"});
    mesh.apply(&server.route(&json!({"retries": retries, "fault": abort})))?;
    mesh.wait_for("aborting", &request, |response| response.status == 503)?;
    let mut failed = 0_u32;
    for _ in 0..CONTROL_CALLS {
        failed = failed.saturating_add(u32::from(mesh.send(request.clone())?.status == 503));
    }
    report(&format!("{failed} of {CONTROL_CALLS} calls failed without retries"));
    // A half within four standard deviations.
    ensure!((f64::from(failed) / f64::from(CONTROL_CALLS) - 0.5).abs() < 0.09, "{failed}");
    Ok(())
}

const CONTROL_CALLS: u32 = 500;

/// An application behind an Envoy with the filter.
struct Server {
    envoy: Envoy,
    app: Upstream,
}

impl Server {
    fn start(config: &Value) -> Result<Self> {
        let app = Upstream::start()?;
        let filter = Filter::new(FILTER, config.clone());
        Ok(Self { envoy: Envoy::start(EnvoyOptions::new(app.address(), vec![filter]))?, app })
    }

    /// Returns documents that route requests for [`HOST`] to this server. `http` has additional
    /// fields of the route.
    fn route(&self, http: &Value) -> String {
        let mut route = json!({"route": [{"destination": {"host": HOST, "port": {"number": 80}}}]});
        if let (Some(route), Some(http)) = (route.as_object_mut(), http.as_object()) {
            route.extend(http.clone());
        }
        let port = self.envoy.address().port();
        let metadata = json!({"name": "faulty", "namespace": NAMESPACE});
        let entry = json!({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": metadata,
            "spec": {"hosts": [HOST], "resolution": "STATIC", "location": "MESH_INTERNAL",
                "ports": [{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": port}],
                "endpoints": [{"address": "127.0.0.1"}]},
        });
        let service = json!({
            "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata,
            "spec": {"hosts": [HOST], "gateways": ["gateway"], "http": [route]},
        });
        format!("{entry}\n---\n{service}\n")
    }

    /// Waits until a request has reached the application.
    fn wait_until_routed(&self, mesh: &Mesh, request: &Request) -> Result<()> {
        mesh.wait_for("routing to the server", request, |_| self.app.count() > 0).map(|_| ())
    }
}
