//! routing-tags in the sidecar of an application, for outbound and inbound requests.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    client::{Client, Request},
    ports::{self, loopback},
    process::wait_until,
    upstream::{Received, Upstream},
};

use super::{FILTER, TAG, tag};
use crate::{
    mesh::{Mesh, Proxy},
    plugin::Target,
};

/// The host that the application calls.
const SHOP: &str = "shop.mesh.example.com";
/// The host of the application at the gateway.
const APPLICATION: &str = "application.mesh.example.com";
/// Timeout until the proxy applies a change, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An application, its sidecar, and the two versions of the shop that it calls.
struct Pod<'m> {
    mesh: &'m Mesh,
    _proxy: Proxy,
    app: Upstream,
    stable: Upstream,
    canary: Upstream,
    /// Client of the sidecar's outbound listener.
    outbound: Client,
    /// Client of the sidecar's inbound listener.
    inbound: Client,
}

impl<'m> Pod<'m> {
    fn start(mesh: &'m Mesh) -> Result<Self> {
        let (app, stable, canary) = (Upstream::start()?, Upstream::start()?, Upstream::start()?);
        let (client_port, server_port) = (ports::free()?, ports::free()?);
        let port = |upstream: &Upstream| upstream.address().port().to_string();
        let documents = include_str!("sidecar.yaml")
            .replace("$APP_PORT", &port(&app))
            .replace("$STABLE_PORT", &port(&stable))
            .replace("$CANARY_PORT", &port(&canary))
            .replace("$CLIENT_PORT", &client_port.to_string())
            .replace("$SERVER_PORT", &server_port.to_string());
        mesh.apply(&documents)?;
        let mut proxy = mesh.start_sidecar()?;
        for port in [client_port, server_port] {
            proxy.wait_for_listener(loopback(port))?;
        }
        let (outbound, inbound) =
            (Client::http1(loopback(client_port)), Client::http1(loopback(server_port)));
        Ok(Self { mesh, _proxy: proxy, app, stable, canary, outbound, inbound })
    }

    fn apply_plugin(&self, target: &Target, config: &Value) -> Result<()> {
        self.mesh.apply_plugin_at(FILTER, self.mesh.image(FILTER)?, target, config)
    }

    /// Calls the shop as the application. Returns the version that responded and its tags.
    fn call(&self, request: Request) -> Result<(&'static str, Vec<String>)> {
        let before = (self.stable.count(), self.canary.count());
        let response = self.outbound.send(request)?;
        ensure!(response.status == 200, "{response:?}");
        let after = (self.stable.count(), self.canary.count());
        let stable = after.0 > before.0;
        ensure!(stable != (after.1 > before.1), "not exactly one version responded");
        Ok((if stable { "stable" } else { "canary" }, tag(&response)?))
    }

    /// Calls the application through its sidecar. Returns the tags it received.
    fn receive(&self, request: Request) -> Result<Vec<String>> {
        let before = self.app.count();
        let response = self.inbound.send(request)?;
        ensure!(response.status == 200 && self.app.count() > before, "{response:?}");
        tag(&response)
    }
}

/// Returns `true` if all of 20 calls return `true`, enough to reach every worker of the proxy.
fn all(is_so: &dyn Fn() -> Result<bool>) -> Result<bool> {
    let results: Vec<bool> = (0..20).map(|_| is_so()).collect::<Result<_>>()?;
    Ok(!results.contains(&false))
}

fn call() -> Request {
    Request::get("/").authority(SHOP)
}

pub(super) fn client(mesh: &Mesh) -> Result<()> {
    let pod = Pod::start(mesh)?;
    // The client is the application itself, so inbound tags are trusted and forwarded.
    let premium = json!([{"headers": {"x-user-type": {"exact": "premium"}}}]);
    pod.apply_plugin(
        &Target::CLIENT,
        &json!({
            "baggageKey": "weir-tag", "trustInbound": [{}],
            "http": [{"match": premium, "tag": "canary"}],
        }),
    )?;
    let is_tagging = || Ok(pod.call(call().header("x-user-type", "premium"))?.0 == "canary");
    wait_until("tagging calls", TIMEOUT, || all(&is_tagging))?;
    for (request, version, tags) in [
        (call().header("x-user-type", "premium"), "canary", vec!["canary"]),
        (call().header("x-user-type", "basic"), "stable", vec![]),
        (call().header(TAG, "canary"), "canary", vec!["canary"]),
        (call().header("baggage", "a=1,weir-tag=canary"), "canary", vec!["canary"]),
        (call().header("baggage", "a=1,weir-tag=v2"), "stable", vec!["v2"]),
        (call().header(TAG, "canary").header(TAG, "canary"), "stable", vec![]),
    ] {
        let (served, received) = pod.call(request.clone())?;
        ensure!(served == version && received == tags, "{served} saw {received:?}: {request:?}");
    }
    let inbound = pod.receive(Request::get("/").header(TAG, "untouched"))?;
    ensure!(inbound == ["untouched"], "mode CLIENT must not change inbound requests: {inbound:?}");
    Ok(())
}

pub(super) fn server(mesh: &Mesh) -> Result<()> {
    let pod = Pod::start(mesh)?;
    let premium = json!([{"headers": {"x-user-type": {"exact": "premium"}}}]);
    pod.apply_plugin(&Target::SERVER, &json!({"http": [{"match": premium, "tag": "canary"}]}))?;
    // The host of the shop, whose VirtualService would route by the tag.
    let get = || Request::get("/").authority(SHOP);
    let is_tagging = || Ok(pod.receive(get().header("x-user-type", "premium"))? == ["canary"]);
    wait_until("tagging inbound requests", TIMEOUT, || all(&is_tagging))?;
    for (request, tags) in [
        (get().header("x-user-type", "premium"), vec!["canary"]),
        (get().header(TAG, "canary"), vec![]),
        (get().header(TAG, "v2").header("x-user-type", "premium"), vec!["canary"]),
    ] {
        let received = pod.receive(request.clone())?;
        ensure!(received == tags, "the application received {received:?}: {request:?}");
    }
    ensure!((pod.stable.count(), pod.canary.count()) == (0, 0), "a request was rerouted");
    let (version, tags) = pod.call(call().header(TAG, "canary"))?;
    ensure!(
        version == "canary" && tags == ["canary"],
        "mode SERVER must not change outbound requests"
    );
    Ok(())
}

/// The gateway sets a tag, and the application's sidecar strips it unless it trusts the gateway.
///
/// Without certificates the mesh has no identities, so the gateway identifies itself by a header.
pub(super) fn behind_the_gateway(mesh: &Mesh) -> Result<()> {
    for (trust, expected) in
        [(json!([]), vec![]), (json!([{"headers": {"x-edge": {}}}]), vec!["edge"])]
    {
        {
            let pod = Pod::start(mesh)?;
            let entry = json!([{"match": [{"uri": {"prefix": "/tagged"}}], "tag": "edge"}]);
            let edge = json!({"request": {"set": {"x-edge": "1"}}});
            mesh.apply_plugin(FILTER, &json!({"http": entry, "headers": edge}))?;
            let received = |request: Request| -> Result<Received> {
                Received::from_response(&mesh.send(request.authority(APPLICATION))?)
            };
            wait_until("tagging at the gateway", TIMEOUT, || {
                let received = received(Request::get("/tagged"));
                Ok(received.is_ok_and(|received| received.header(TAG) == ["edge"]))
            })?;
            let marker = json!({"request": {"set": {"x-found-tag": "%TAG%", "x-there": "1"}}});
            pod.apply_plugin(&Target::SERVER, &json!({"trustInbound": trust, "headers": marker}))?;
            let is_there = || Ok(received(Request::get("/tagged"))?.header("x-there") == ["1"]);
            wait_until("running the filter in the sidecar", TIMEOUT, || all(&is_there))?;
            let found = received(Request::get("/tagged"))?;
            ensure!(found.header(TAG) == expected, "{trust}: {found:?}");
            ensure!(found.header("x-found-tag") == expected, "{trust}: {found:?}");
            let plain = received(Request::get("/").header(TAG, "forged"))?;
            ensure!(plain.header(TAG).is_empty(), "{plain:?}");
        }
        mesh.clear()?;
    }
    Ok(())
}

/// Without a previous configuration the proxy has none to keep. FAIL_OPEN only applies to traps.
pub(super) fn refused(mesh: &Mesh) -> Result<()> {
    let image = mesh.image(FILTER)?;
    let invalid = json!({"http": [{"tagHeader": "x y", "tag": "canary"}]});
    mesh.apply_plugin_at(FILTER, image, &Target::SERVER, &invalid)?;
    let pod = Pod::start(mesh)?;
    let get = || pod.inbound.send(Request::get("/"));
    for _ in 0..20 {
        let response = get()?;
        ensure!(response.status == 500 && response.body.is_empty(), "{response:?}");
    }
    ensure!(pod.app.count() == 0, "a request passed");
    pod.apply_plugin(&Target::SERVER, &json!({"http": [{"tag": "canary"}]}))?;
    let is_fixed = || Ok(tag(&get()?).is_ok_and(|tags| tags == ["canary"]));
    wait_until("serving with the fixed configuration", TIMEOUT, || all(&is_fixed))
}
