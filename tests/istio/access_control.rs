//! access-control in the sidecar of a server, with callers that have certificates of the mesh.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    Scenario,
    mesh::{Mesh, Role, SHOP},
    shop::{
        Caller::{Client, Gateway, Plain},
        PlainText, Shop, request,
    },
};

mod cases;
mod differential;
mod vocabulary;

/// The name of the filter and its image.
const FILTER: &str = "access-control";

/// The scenarios of this filter.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("access-control decides by the identities in certificates", identities),
    ("access-control is unsure of a peer behind x-forwarded-for", hidden_peer),
    ("access-control decides as an AuthorizationPolicy does", differential::same_as_istio),
];

/// Applies policies at the server, with a path that only this document denies, and waits for them.
fn apply(shop: &Shop<'_>, revision: u16, policies: &[Value]) -> Result<()> {
    let probe = json!({
        "name": "probe", "action": "DENY", "reply": {"httpStatus": revision},
        "rules": [{"to": [{"operation": {"paths": ["/probe"]}}]}],
    });
    // The reply is that of the first DENY policy that matches.
    let policies: Vec<_> = [&probe].into_iter().chain(policies).collect();
    shop.apply_plugin(FILTER, &json!({"policies": policies}))?;
    shop.wait_for("applying the policies", Client, &request("/probe"), revision)
}

/// Returns a document with one rule for a source.
fn policy(action: &str, source: &Value) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "test", "namespace": SHOP},
        "spec": {"action": action, "rules": [{"from": [{"source": source}]}]},
    })
}

fn identities(mesh: &Mesh) -> Result<()> {
    let shop = Shop::open(mesh, PlainText::Refused)?;
    let reached = shop.app.count();
    let plain = shop.send(Plain, request("/"));
    ensure!(plain.is_err(), "STRICT accepted a caller without a certificate: {plain:?}");
    ensure!(shop.app.count() == reached, "a plain-text request reached the application");
    let gateway = Role::Gateway.principal();
    let cases = [
        (policy("ALLOW", &json!({"principals": [gateway]})), 200, 403),
        (policy("DENY", &json!({"principals": [gateway]})), 403, 200),
        (policy("ALLOW", &json!({"namespaces": [SHOP]})), 403, 200),
        (policy("DENY", &json!({"notNamespaces": [SHOP]})), 403, 200),
        (policy("ALLOW", &json!({"serviceAccounts": ["istio-ingress/gateway"]})), 200, 403),
        (policy("ALLOW", &json!({"serviceAccounts": ["client"]})), 403, 200),
        (policy("DENY", &json!({"serviceAccounts": ["client"]})), 200, 403),
        (json!({"name": "nothing"}), 403, 403),
    ];
    // The header that names the identity to the application has no effect.
    let uri = format!("URI=spiffe://{gateway}");
    let forged = request("/").header("x-forwarded-client-cert", uri);
    for (revision, (policy, of_gateway, of_client)) in (470..).zip(cases) {
        apply(&shop, revision, std::slice::from_ref(&policy))?;
        shop.check(
            &policy.to_string(),
            &[
                (Gateway, request("/"), of_gateway),
                (Client, request("/"), of_client),
                (Client, forged.clone(), of_client),
            ],
        )?;
    }
    Ok(())
}

/// A sidecar takes the client's address from `x-forwarded-for`, and has no attribute of the peer's.
fn hidden_peer(mesh: &Mesh) -> Result<()> {
    let shop = Shop::open(mesh, PlainText::Refused)?;
    let forwarded = request("/").header("x-forwarded-for", "203.0.113.7");
    // The sidecar uses the last entry. The gateway always adds one, the address of its own peer.
    let cases = [
        (policy("ALLOW", &json!({"ipBlocks": ["127.0.0.0/8"]})), 200, 403, 403),
        (policy("ALLOW", &json!({"notIpBlocks": ["192.0.2.0/24"]})), 200, 403, 403),
        (policy("DENY", &json!({"ipBlocks": ["192.0.2.0/24"]})), 200, 403, 403),
        (policy("ALLOW", &json!({"ipBlocks": ["203.0.113.0/24"]})), 403, 403, 403),
        (policy("ALLOW", &json!({"remoteIpBlocks": ["203.0.113.0/24"]})), 403, 200, 403),
    ];
    for (revision, (policy, peer, client, gateway)) in (470..).zip(cases) {
        apply(&shop, revision, std::slice::from_ref(&policy))?;
        shop.check(
            &policy.to_string(),
            &[
                (Client, request("/"), peer),
                (Client, forwarded.clone(), client),
                (Gateway, forwarded.clone(), gateway),
            ],
        )?;
    }
    let name = "weir_access_control_unsure_total";
    shop.wait_for_metric(name, |value| value >= 8).context("not counted")
}
