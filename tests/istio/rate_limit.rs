//! rate-limit as a WasmPlugin: the shipped document behind jwt-auth, changes of the plugin, the
//! sidecar of a server, and a rate-limit service.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{client::Request, repository};

use crate::{Scenario, mesh::Mesh};

mod changes;
mod gateway;
mod service;
mod sidecar;

/// The name of the filter, its image and its WasmPlugin.
const FILTER: &str = "rate-limit";
/// Timeout until a proxy applies a change, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Number of requests that reaches every worker of a proxy.
const PROBES: usize = 20;

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("rate-limit counts users of jwt-auth, also after changes of the plugin", users_and_changes),
    ("rate-limit in a server sidecar limits only inbound requests", sidecar::server),
    ("rate-limit counts in a service behind a ServiceEntry", service::through_a_service_entry),
];

fn users_and_changes(mesh: &Mesh) -> Result<()> {
    gateway::shipped_document(mesh)?;
    changes::keep_counts(mesh)
}

/// Returns the shipped document, in which each user has `requests` per hour.
fn document(requests: usize, probe: u16) -> Result<Value> {
    let mut document = repository::plugin_config("wasmplugins/rate-limit.yaml")?;
    let entries = document.get_mut("http").and_then(Value::as_array_mut).context("no http")?;
    let limits = entries.iter_mut().filter_map(|entry| entry.pointer_mut("/limits/0"));
    let user = limits
        .filter_map(Value::as_object_mut)
        .find(|limit| limit.get("name") == Some(&json!("user")));
    let user = user.context("no limit of users")?;
    for (field, value) in
        [("requests", json!(requests)), ("per", json!("1h")), ("burst", json!(requests))]
    {
        user.insert(field.to_owned(), value);
    }
    entries.insert(0, probe_entry(probe));
    Ok(document)
}

/// Returns an entry that refuses every `/probe` with this status, which identifies the document.
pub(crate) fn probe_entry(status: u16) -> Value {
    // The cost is above the limit.
    json!({
        "name": "probe",
        "match": [{"uri": {"exact": "/probe"}}],
        "limits": [{
            "name": "probe", "requests": 1, "per": "1s", "cost": 2, "reply": {"httpStatus": status},
        }],
    })
}

/// Sends `request` this many times. Returns the statuses.
fn statuses(
    send: impl Fn(Request) -> Result<u16>,
    request: &Request,
    count: usize,
) -> Result<Vec<u16>> {
    (0..count).map(|_| send(request.clone())).collect()
}

/// Returns `true` if every worker refuses `/probe` with this status.
fn is_active(send: impl Fn(Request) -> Result<u16>, probe: u16) -> Result<bool> {
    Ok(statuses(send, &Request::get("/probe"), PROBES)? == [probe; PROBES])
}
