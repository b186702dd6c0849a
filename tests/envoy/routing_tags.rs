//! routing-tags in a real Envoy whose routes select clusters by the tag.

mod canary;
mod hostile;
mod outputs;
mod routing;
mod samples;
mod spoofing;
mod stickiness;

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::{Client, Request, Response},
    envoy::Envoy,
    upstream::{Received, Upstream},
};

/// The name of the filter.
const FILTER: &str = "routing-tags";
/// The default tag header.
const TAG: &str = "x-weir-tag";

/// Envoy with routing-tags before two versions of an application.
struct Fixture {
    envoy: Envoy,
    /// The version for requests without the tag `canary`.
    stable: Upstream,
    /// The version for requests with the tag `canary`.
    canary: Upstream,
}

impl Fixture {
    /// Starts Envoy with this `pluginConfig`.
    fn start(config: Value) -> Result<Self> {
        Self::start_with(1, vec![Filter::new(FILTER, config)])
    }

    /// Starts Envoy with this many workers and these filters.
    fn start_with(concurrency: u32, filters: Vec<Filter>) -> Result<Self> {
        let (stable, canary) = (Upstream::start()?, Upstream::start()?);
        let state = ("tag".to_owned(), "%FILTER_STATE(wasm.weir.tag:PLAIN)%".to_owned());
        let route = ("cluster".to_owned(), "%UPSTREAM_CLUSTER%".to_owned());
        let envoy = Envoy::start(EnvoyOptions {
            concurrency,
            clusters: vec![cluster("canary", canary.address())],
            routes: vec![route_to("canary")],
            access_log: vec![state, route],
            ..EnvoyOptions::new(stable.address(), filters)
        })?;
        Ok(Self { envoy, stable, canary })
    }

    /// Sends a request and returns it as received by the application.
    fn received(&self, request: Request) -> Result<Received> {
        received(self.envoy.http1(), request)
    }

    /// Sends a request and returns the tags that the application received.
    fn tags(&self, request: Request) -> Result<Vec<String>> {
        let received = self.received(request)?;
        Ok(received.header(TAG).into_iter().map(str::to_owned).collect())
    }

    /// Returns the value of a counter or gauge of the filter, which workers flush periodically.
    fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.envoy.stats()?.value(&format!("wasmcustom.weir_routing_tags_{name}")))
    }

    /// Waits until counters and gauges have these values.
    fn counts(&self, expected: &[(&str, u64)]) -> Result<()> {
        let name = |name: &str| format!("wasmcustom.weir_routing_tags_{name}");
        let expected: Vec<_> = expected.iter().map(|(stat, value)| (name(stat), *value)).collect();
        self.envoy.wait_for_stats(&expected)
    }

    /// Sends a request over HTTP/1.1.
    fn send(&self, request: Request) -> Result<Response> {
        self.envoy.http1().send(request)
    }
}

fn received(client: Client, request: Request) -> Result<Received> {
    Received::from_response(&client.send(request)?)
}

fn cluster(name: &str, address: SocketAddr) -> Value {
    let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
    let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
    let kind = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    // The upstream protocol is that of the client, so that gRPC works.
    let protocols = json!({
        "@type": kind,
        "use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": {}},
    });
    json!({
        "name": name, "type": "STATIC", "connect_timeout": "1s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocols},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    })
}

/// Returns a route to the cluster `name` for requests with the tag `name`.
fn route_to(name: &str) -> Value {
    let tag = json!({"name": TAG, "string_match": {"exact": name}});
    json!({"match": {"prefix": "/", "headers": [tag]}, "route": {"cluster": name}})
}
