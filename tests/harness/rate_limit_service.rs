//! Servers of `envoy.service.ratelimit.v3.RateLimitService`, real and fake.
//!
//! [`RatelimitService`] is envoyproxy/ratelimit with Redis. [`LimitadorService`] responds like
//! Limitador and counts with its library. [`FakeRateLimitService`] follows a script.

use std::{future::Future, net::SocketAddr, net::TcpListener, time::Instant};

use anyhow::{Context, Result, ensure};
use hyper::{HeaderMap, Method, Response};
use prost::Message;
use serde_json::{Value, json};

use crate::{
    client::{self, Client},
    grpc,
    server::{Body, Connection, Server},
};

mod behaviour;
mod fake;
mod limitador;
mod limits;
mod messages;
mod ratelimit;
mod redis;

pub use behaviour::Behaviour;
pub use fake::FakeRateLimitService;
pub use limitador::{LimitadorService, RateLimitHeaders};
pub use limits::{Limit, Limits, Unit};
pub use messages::{
    Code, Descriptor, DescriptorStatus, Entry, HeaderValue, LimitOverride, ProtoDuration,
    RateLimit, RateLimitRequest, RateLimitResponse,
};
pub use ratelimit::RatelimitService;

/// The path of the only method.
pub const SHOULD_RATE_LIMIT: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// A received call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Time at which the request was complete.
    pub arrival: Instant,
    /// The headers of the request, such as `grpc-timeout`.
    pub headers: HeaderMap,
    /// The message.
    pub request: RateLimitRequest,
}

/// Sends a call on a new connection and returns the whole response, also of a failed call.
///
/// # Errors
/// If the connection fails, the stream is reset, or the response takes longer than 20 seconds.
pub fn call(address: SocketAddr, request: &RateLimitRequest) -> Result<client::Response> {
    let message = grpc::frame(&request.encode_to_vec());
    Client::http2(address).send(client::Request::grpc(SHOULD_RATE_LIMIT).body(&message))
}

/// Sends a call on a new connection and returns its message.
///
/// # Errors
/// If the call fails or its response cannot be decoded. See [`call`].
pub fn should_rate_limit(
    address: SocketAddr,
    request: &RateLimitRequest,
) -> Result<RateLimitResponse> {
    let response = call(address, request)?;
    ensure!(response.grpc_status() == Some("0"), "the call failed: {response:?}");
    let message = grpc::unframe(&response.body).context("not one message")?;
    Ok(RateLimitResponse::decode(message)?)
}

/// Returns the Envoy cluster `name` for a service.
pub fn cluster(name: &str, service: SocketAddr) -> Value {
    let socket = json!({"address": service.ip(), "port_value": service.port()});
    let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
    let kind = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    json!({
        "name": name,
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": kind, "explicit_http_config": {"http2_protocol_options": {}},
            },
        },
    })
}

/// Serves the method with `handler`. Other methods and undecodable messages get an error.
fn serve<H, F>(listener: TcpListener, handler: H) -> Result<Server>
where
    H: Fn(Call, Connection) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    Server::start(listener, move |request| {
        let handler = handler.clone();
        async move {
            let arrival = Instant::now();
            if request.method() != Method::POST || request.uri().path() != SHOULD_RATE_LIMIT {
                return grpc::error(grpc::UNIMPLEMENTED, "unknown method");
            }
            let message = grpc::unframe(request.body());
            let Some(message) = message.and_then(|bytes| RateLimitRequest::decode(bytes).ok())
            else {
                return grpc::error(grpc::INTERNAL, "not a RateLimitRequest");
            };
            let (head, _) = request.into_parts();
            let connection = head.extensions.get::<Connection>().cloned().unwrap_or_default();
            let call = Call { arrival, headers: head.headers, request: message };
            handler(call, connection).await
        }
    })
}
