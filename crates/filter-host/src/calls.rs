//! HTTP and gRPC calls to a cluster.
//!
//! Uses the SDK, whose dispatcher routes each response to the context that sent the call.

use std::time::Duration;

use filter_core::Headers;
use proxy_wasm::{hostcalls as sdk, types::Status};

use crate::{
    headers,
    hostcalls::{self, Buffer, HostError, Map, Result},
};

/// The identifier of a call, which the callback for its response receives.
pub type CallId = u32;

/// Sends an HTTP request to `cluster`.
///
/// `headers` must contain `:method`, `:path` and `:authority`.
///
/// # Errors
///
/// `BadArgument` for a cluster that the proxy does not have (yet). For a cluster that is down, the
/// call succeeds and its response has `:status` 503.
pub fn http(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Result<CallId> {
    let body = (!body.is_empty()).then_some(body);
    sdk::dispatch_http_call(cluster, headers.to_vec(), body, Vec::new(), timeout)
        .map_err(from_sdk_status)
}

/// Sends a unary gRPC call to `cluster`.
///
/// # Errors
///
/// `ParseFailure` for a cluster that the proxy does not have (yet). For a cluster that is down, the
/// call succeeds and ends with status 14, UNAVAILABLE.
pub fn grpc(
    cluster: &str,
    service: &str,
    method: &str,
    metadata: &[(&str, &[u8])],
    message: &[u8],
    timeout: Duration,
) -> Result<CallId> {
    sdk::dispatch_grpc_call(cluster, service, method, metadata.to_vec(), Some(message), timeout)
        .map_err(from_sdk_status)
}

/// Reads the response headers of an HTTP call.
///
/// # Errors
///
/// Fails outside the callback for the response.
pub fn response_headers() -> Result<Headers> {
    headers::all(Map::CallResponseHeaders)
}

/// Reads the response trailers of an HTTP call.
///
/// # Errors
///
/// Fails outside the callback for the response.
pub fn response_trailers() -> Result<Headers> {
    headers::all(Map::CallResponseTrailers)
}

/// Reads at most `max` bytes of the response body of an HTTP call.
///
/// # Errors
///
/// Fails outside the callback for the response.
pub fn response_body(max: usize) -> Result<Vec<u8>> {
    absent_as_empty(hostcalls::buffer(Buffer::CallResponseBody, max))
}

/// Reads at most `max` bytes of the response message of a gRPC call.
///
/// # Errors
///
/// Fails outside the callback for the response.
pub fn response_message(max: usize) -> Result<Vec<u8>> {
    absent_as_empty(hostcalls::buffer(Buffer::GrpcReceive, max))
}

fn absent_as_empty(result: Result<Vec<u8>>) -> Result<Vec<u8>> {
    match result {
        Err(HostError::NotFound | HostError::Empty) => Ok(Vec::new()),
        result => result,
    }
}

fn from_sdk_status(status: Status) -> HostError {
    match status {
        Status::NotFound => HostError::NotFound,
        Status::BadArgument => HostError::BadArgument,
        Status::SerializationFailure => HostError::SerializationFailure,
        Status::ParseFailure => HostError::ParseFailure,
        Status::Empty => HostError::Empty,
        Status::CasMismatch => HostError::CasMismatch,
        _ => HostError::InternalFailure,
    }
}
