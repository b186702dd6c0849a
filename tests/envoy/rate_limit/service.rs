//! Limits that a rate-limit service counts.

mod answers;
mod failures;
mod fleet;

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    envoy::Envoy,
    rate_limit_service::{Behaviour, Code, RateLimitResponse},
    upstream::Upstream,
};

use super::FILTER;

/// The time within which a request must be decided in these tests.
const TIMEOUT: &str = "500ms";

/// Returns a cluster of HTTP/2 with the name `limits`.
fn cluster(address: SocketAddr) -> Value {
    json!({
        "name": "limits",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            },
        },
        "load_assignment": {"cluster_name": "limits", "endpoints": [{"lb_endpoints": [{
            "endpoint": {"address": {"socket_address": {
                "address": address.ip(), "port_value": address.port(),
            }}},
        }]}]},
    })
}

/// Returns a `pluginConfig` with one limit that the service counts, for each value of `x-user`.
fn global(mode: &str, service: &Value) -> Value {
    let mut fields = json!({
        "cluster": "limits", "domain": "shop", "mode": mode, "timeout": TIMEOUT,
    });
    if let (Some(all), Some(own)) = (fields.as_object_mut(), service.as_object()) {
        all.extend(own.clone());
    }
    json!({
        "rateLimitService": fields,
        "limits": [{
            "name": "user", "requests": 5, "per": "1h", "scope": "GLOBAL",
            "key": [{"httpHeaderName": "x-user"}],
        }],
    })
}

/// Starts Envoy with rate-limit, and the service as the cluster `limits`.
fn start(service: SocketAddr, document: &Value, concurrency: u32) -> Result<(Envoy, Upstream)> {
    let app = Upstream::start()?;
    let filters = vec![Filter::new(FILTER, document.clone())];
    let options = EnvoyOptions::new(app.address(), filters);
    let clusters = vec![cluster(service)];
    let envoy = Envoy::start(EnvoyOptions { concurrency, clusters, ..options })?;
    Ok((envoy, app))
}

/// Returns an answer that admits, with this many units left in a window that ends after `reset`.
fn admits(remaining: u32, reset: Duration) -> Behaviour {
    Behaviour::Answer(RateLimitResponse::new(Code::Ok).status(remaining, Some(reset)))
}
