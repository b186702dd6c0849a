//! Local replies.

use filter_core::{Headers, Reply};

use crate::{
    headers::{self, Map},
    host_error::Result,
    plugin::Action,
    sys,
};

/// The request headers that determine the format of a reply.
const FORMAT_HEADERS: [&str; 3] = [":method", "accept", "content-type"];

/// Reads the headers of the current request that [`ReplyFormat::of`](filter_core::ReplyFormat::of)
/// reads; one that cannot be read is absent.
#[must_use]
pub fn format_headers() -> Headers {
    let values = FORMAT_HEADERS.iter().filter_map(|name| {
        let value = headers::value(Map::RequestHeaders, name).ok().flatten();
        value.map(|value| (*name, value))
    });
    values.collect()
}

/// Sends `reply` downstream and stops the filter chain; logs an error if the proxy refuses it.
///
/// For a gRPC request the proxy converts it to a trailers-only response with its gRPC status.
pub fn send(reply: &Reply) -> Action {
    if let Err(error) = try_send(reply) {
        log::error!("local reply {} not sent: {error:?}", reply.status);
    }
    Action::Pause
}

/// Sends `reply` downstream, for filters that continue the stream if the proxy refuses it.
///
/// # Errors
///
/// Fails if the stream has ended or already has a response.
pub fn try_send(reply: &Reply) -> Result<()> {
    let headers = reply.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
    let headers: Vec<_> = headers.collect();
    let grpc_status = reply.grpc_status.map_or(-1, |status| i32::from(status.code()));
    sys::send_local_response(
        reply.status,
        reply.details.as_bytes(),
        &headers,
        &reply.body,
        grpc_status,
    )
}
