//! Calls of our own to a cluster, over HTTP and gRPC.
//!
//! They go through the SDK, whose dispatcher routes each answer to the context that asked.

use std::time::Duration;

use filter_core::Headers;
use proxy_wasm::{hostcalls as sdk, types::Status};

use crate::{
    headers,
    hostcalls::{self, Buffer, HostError, Map, Result},
};

/// The proxy's number for a call under way, which its answer carries.
pub type CallId = u32;

/// Sends an HTTP request to `cluster`.
///
/// `headers` must hold `:method`, `:path` and `:authority`.
///
/// # Errors
///
/// `BadArgument` for a cluster that the proxy does not know (yet). A cluster that is down is no
/// error here: its answer carries `:status` 503.
pub fn http(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Result<CallId> {
    let body = (!body.is_empty()).then_some(body);
    sdk::dispatch_http_call(cluster, headers.to_vec(), body, Vec::new(), timeout).map_err(refused)
}

/// Sends one gRPC message to `cluster` and expects one back.
///
/// # Errors
///
/// `ParseFailure` for a cluster that the proxy does not know (yet). A cluster that is down is no
/// error here: its answer carries status 14, UNAVAILABLE.
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

/// Reads the headers that answer an HTTP call, in the callback that announces them.
///
/// # Errors
///
/// Fails outside that callback.
pub fn response_headers() -> Result<Headers> {
    headers::all(Map::CallResponseHeaders)
}

/// Reads the trailers that answer an HTTP call, in the callback that announces them.
///
/// # Errors
///
/// Fails outside that callback.
pub fn response_trailers() -> Result<Headers> {
    headers::all(Map::CallResponseTrailers)
}

/// Reads at most `max` bytes of the body that answers an HTTP call.
///
/// # Errors
///
/// Fails outside the callback that announces it.
pub fn response_body(max: usize) -> Result<Vec<u8>> {
    empty_as_none(hostcalls::buffer(Buffer::CallResponseBody, max))
}

/// Reads at most `max` bytes of the message that answers a gRPC call.
///
/// # Errors
///
/// Fails outside the callback that announces it.
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
