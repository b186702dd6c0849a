//! HTTP and gRPC calls to clusters.
//!
//! They go through the SDK, whose dispatcher routes each response to the calling context.

use std::time::Duration;

use filter_core::Headers;
use proxy_wasm::{hostcalls as sdk, types::Status};

use crate::{
    headers,
    hostcalls::{self, Buffer, HostError, Map, Result},
};

/// The id of a pending call, which its response carries.
pub type CallId = u32;

/// Sends an HTTP request to `cluster`.
///
/// `headers` must contain `:method`, `:path` and `:authority`.
///
/// # Errors
///
/// `BadArgument` for an unknown cluster. A cluster that is down is not an error: its response has
/// `:status` 503.
pub fn http(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Result<CallId> {
    let body = (!body.is_empty()).then_some(body);
    sdk::dispatch_http_call(cluster, headers.to_vec(), body, Vec::new(), timeout).map_err(refused)
}

/// Sends a unary gRPC call to `cluster`.
///
/// # Errors
///
/// `ParseFailure` for an unknown cluster. A cluster that is down is not an error: its response has
/// status 14, UNAVAILABLE.
pub fn grpc(
    cluster: &str,
    service: &str,
    method: &str,
    metadata: &[(&str, &[u8])],
    message: &[u8],
    timeout: Duration,
) -> Result<CallId> {
    sdk::dispatch_grpc_call(cluster, service, method, metadata.to_vec(), Some(message), timeout)
        .map_err(refused)
}

/// Reads the headers of the response to an HTTP call, in the callback for it.
///
/// # Errors
///
/// Fails outside that callback.
pub fn response_headers() -> Result<Headers> {
    headers::all(Map::CallResponseHeaders)
}

/// Reads the trailers of the response to an HTTP call, in the callback for it.
///
/// # Errors
///
/// Fails outside that callback.
pub fn response_trailers() -> Result<Headers> {
    headers::all(Map::CallResponseTrailers)
}

/// Reads at most `max` bytes of the body of the response to an HTTP call.
///
/// # Errors
///
/// Fails outside the callback for the response.
pub fn response_body(max: usize) -> Result<Vec<u8>> {
    empty_as_none(hostcalls::buffer(Buffer::CallResponseBody, max))
}

/// Reads at most `max` bytes of the response message of a gRPC call.
///
/// # Errors
///
/// Fails outside the callback for the response.
pub fn response_message(max: usize) -> Result<Vec<u8>> {
    empty_as_none(hostcalls::buffer(Buffer::GrpcReceive, max))
}

fn empty_as_none(answer: Result<Vec<u8>>) -> Result<Vec<u8>> {
    match answer {
        Err(HostError::NotFound | HostError::Empty) => Ok(Vec::new()),
        answer => answer,
    }
}

fn refused(status: Status) -> HostError {
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
