//! HTTP calls to a cluster.

use std::time::Duration;

use filter_core::Headers;

use crate::{
    headers,
    host_error::{HostError, Result},
    sys::{self, Buffer, Map},
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
    sys::http_call(cluster, headers, body, timeout)
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
    match sys::buffer_range(Buffer::CallResponseBody, 0, max) {
        Err(HostError::NotFound | HostError::Empty) => Ok(Vec::new()),
        body => body,
    }
}
