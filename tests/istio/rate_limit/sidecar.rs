//! rate-limit in the sidecar of an application, with mode SERVER.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    client::{Client, Request},
    ports::{self, loopback},
    process::wait_until,
    upstream::Upstream,
};

use super::{FILTER, TIMEOUT, is_active, probe_entry, statuses};
use crate::{mesh::Mesh, plugin::Target};

/// The host that the application calls.
const CALLED: &str = "called.mesh.example.com";
/// Inbound requests that the pod admits.
const INBOUND: usize = 10;
const CALLS: usize = 20;

/// All workers share the count of inbound requests, and outbound ones are not limited.
pub(super) fn server(mesh: &Mesh) -> Result<()> {
    let (app, called) = (Upstream::start()?, Upstream::start()?);
    let (client_port, server_port) = (ports::free()?, ports::free()?);
    let documents = include_str!("sidecar.yaml")
        .replace("$APP_PORT", &app.address().port().to_string())
        .replace("$CALLED_PORT", &called.address().port().to_string())
        .replace("$CLIENT_PORT", &client_port.to_string())
        .replace("$SERVER_PORT", &server_port.to_string());
    mesh.apply(&documents)?;
    let limits = json!([{"name": "pod", "requests": INBOUND, "per": "1h"}]);
    let plugin = json!({"http": [probe_entry(471), {"name": "all", "limits": limits}]});
    mesh.apply_plugin_at(FILTER, mesh.image(FILTER)?, &Target::SERVER, &plugin)?;
    let mut proxy = mesh.start_sidecar()?;
    // Not the inbound port, because the limit counts inbound requests.
    proxy.wait_for_listener(loopback(client_port))?;
    let send = |port, request| Ok(Client::http1(loopback(port)).send(request)?.status);
    let inbound = |request| send(server_port, request);
    let outbound = |request: Request| send(client_port, request.authority(CALLED));
    wait_until("limiting in the sidecar", TIMEOUT, || {
        Ok(is_active(inbound, 471).unwrap_or_default())
    })?;
    let get = Request::get("/");
    for direction in ["before", "after"] {
        let (reached, before) = (app.count(), called.count());
        let found = statuses(outbound, &get, CALLS)?;
        ensure!(found == [200; CALLS], "outbound {direction} inbound requests: {found:?}");
        let calls = called.count().saturating_sub(before);
        ensure!(calls == CALLS, "{calls} calls arrived");
        let expected = if direction == "before" { INBOUND } else { 0 };
        let found = statuses(inbound, &get, CALLS)?;
        let admitted = found.iter().filter(|status| **status == 200).count();
        ensure!(admitted == expected, "expected {expected} admitted requests: {found:?}");
        let reached = app.count().saturating_sub(reached);
        ensure!(reached == expected, "{reached} requests reached the application");
    }
    Ok(())
}
