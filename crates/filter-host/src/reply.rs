//! Replies that a filter sends instead of forwarding a request.

use filter_core::Reply;
use proxy_wasm::types::Action;

use crate::hostcalls::{self, Result};

/// Sends `reply` downstream and stops the filter chain.
///
/// For a gRPC request the proxy makes it a trailers-only answer with the reply's gRPC status.
pub fn send(reply: &Reply) -> Action {
    if let Err(error) = try_send(reply) {
        log::error!("local reply {} not sent: {error:?}", reply.status);
    }
    Action::Pause
}

/// As [`send`], for a filter that lets the stream go on where the proxy refuses the reply.
///
/// # Errors
///
/// Fails when the stream has ended, or has been answered already.
pub fn try_send(reply: &Reply) -> Result<()> {
    let pairs = reply.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
    let grpc_status = reply.grpc_status.map_or(-1, |status| i32::from(status.code()));
    hostcalls::send_local_response(
        reply.status,
        reply.details.as_bytes(),
        &crate::headers::encode(pairs),
        &reply.body,
        grpc_status,
    )
}
