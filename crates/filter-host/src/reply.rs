//! Local replies.

use filter_core::Reply;

use crate::{host_error::Result, plugin::Action, sys};

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
