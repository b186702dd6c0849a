//! rate-limit as a WasmPlugin: users of jwt-auth, a changed configuration, and a server's sidecar.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    client::{Request, Response},
    ports::{self, loopback},
    process::wait_until,
    upstream::Upstream,
};

use crate::{Scenario, jwt_auth, mesh::Mesh, plugin::Target};

/// The name of the filter, its image and its WasmPlugin.
const FILTER: &str = "rate-limit";
/// The host of the server with a sidecar.
const HOST: &str = "faulty.mesh.example.com";
/// Timeout until the proxy applies a change, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("rate-limit counts users verified by jwt-auth, also after a change", verified_users),
    ("rate-limit in a server sidecar limits inbound requests", server_sidecar),
];

/// Returns a document that limits each user, and refuses `/probe` with a status of its own.
fn document(requests: u32, probe: u16) -> Value {
    json!({"http": [
        {
            "name": "probe",
            "match": [{"uri": {"exact": "/probe"}}],
            "limits": [{
                "name": format!("probe-{probe}"), "requests": 1, "per": "720h", "cost": 2,
                "reply": {"httpStatus": probe},
            }],
        },
        {
            "name": "all",
            "limits": [{
                "name": "user", "requests": requests, "per": "1h",
                "key": [{"claim": "sub", "useSourceIp": true}],
            }],
        },
    ]})
}

/// Waits until the configuration whose `/probe` has this status is active.
fn wait_for(mesh: &Mesh, probe: u16) -> Result<Response> {
    let request = Request::get("/probe");
    mesh.wait_for("limiting", &request, |response| response.status == probe)
}

/// Each user has a count, which a new configuration keeps.
fn verified_users(mesh: &Mesh) -> Result<()> {
    jwt_auth::protect(mesh, &json!({"jwtRules": jwt_auth::jwt_rules(mesh)}))?;
    mesh.apply_plugin(FILTER, &document(4, 471))?;
    let refused = wait_for(mesh, 471)?;
    ensure!(refused.header("x-envoy-ratelimited") == Some("true"), "{refused:?}");
    let send = |user: Option<&str>| -> Result<u16> {
        let request = Request::get("/");
        let request = match user {
            Some(user) => request.bearer(&jwt_auth::token_of(mesh, user)?),
            None => request,
        };
        Ok(mesh.send(request)?.status)
    };
    for user in [Some("alice"), None] {
        for number in 1..=4 {
            let status = send(user)?;
            ensure!(status == 200, "request {number} of {user:?}: {status}");
        }
        let status = send(user)?;
        ensure!(status == 429, "the fifth request of {user:?}: {status}");
    }
    ensure!(send(Some("bob"))? == 200, "another user has another count");
    mesh.apply_plugin(FILTER, &document(5, 472))?;
    wait_for(mesh, 472)?;
    // The count was empty, and is so with the new numbers.
    let statuses: Vec<u16> = (0..3).map(|_| send(Some("alice"))).collect::<Result<_>>()?;
    let admitted = statuses.iter().filter(|status| **status == 200).count();
    ensure!(admitted == 0, "a new configuration forgot the count: {statuses:?}");
    Ok(())
}

/// In the sidecar of a server, inbound requests are limited.
fn server_sidecar(mesh: &Mesh) -> Result<()> {
    let app = Upstream::start()?;
    let (client_port, server_port) = (ports::free()?, ports::free()?);
    let documents = include_str!("fault_injection/sidecar.yaml")
        .replace("$APP_PORT", &app.address().port().to_string())
        .replace("$CLIENT_PORT", &client_port.to_string())
        .replace("$SERVER_PORT", &server_port.to_string());
    mesh.apply(&documents)?;
    let mut proxy = mesh.start_sidecar()?;
    proxy.wait_for_listener(loopback(server_port))?;
    let plugin = json!({"http": [
        {"name": "probe", "match": [{"uri": {"exact": "/probe"}}], "limits": [{
            "name": "probe", "requests": 1, "per": "720h", "cost": 2,
            "reply": {"httpStatus": 471},
        }]},
        {"name": "all", "limits": [{"name": "pod", "requests": 10, "per": "1h"}]},
    ]});
    mesh.apply_plugin_at(FILTER, mesh.image(FILTER)?, &Target::SERVER, &plugin)?;
    let get = |path: &str| mesh.send(Request::get(path).authority(HOST));
    // Often enough to reach every worker of the proxy.
    wait_until("limiting in the sidecar", TIMEOUT, || {
        let statuses: Vec<u16> =
            (0..20).map(|_| Ok(get("/probe")?.status)).collect::<Result<_>>()?;
        Ok(statuses == [471; 20])
    })?;
    let reached = app.count();
    let statuses: Vec<u16> = (0..20).map(|_| Ok(get("/")?.status)).collect::<Result<_>>()?;
    let admitted = statuses.iter().filter(|status| **status == 200).count();
    ensure!(admitted == 10, "{admitted} of 20 were admitted, the workers share one count");
    ensure!(app.count().saturating_sub(reached) == 10, "a refused request reached the application");
    Ok(())
}
