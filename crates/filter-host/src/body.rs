//! Bodies of the stream, changed chunk by chunk.

use crate::hostcalls::{self, Buffer, Result};

/// Reads at most `max` bytes of the request's body, from `start` on.
///
/// # Errors
///
/// Fails outside the callback that announces them.
pub fn request_bytes(start: usize, max: usize) -> Result<Vec<u8>> {
    hostcalls::part(Buffer::RequestBody, start, max)
}

/// Reads at most `max` bytes of the response's body, from `start` on.
///
/// # Errors
///
/// Fails outside the callback that announces them.
pub fn response_bytes(start: usize, max: usize) -> Result<Vec<u8>> {
    hostcalls::part(Buffer::ResponseBody, start, max)
}

/// Puts `bytes` in place of the `size` bytes of the response's body.
///
/// # Errors
///
/// Fails outside the callback that announces them.
pub fn replace_response(size: usize, bytes: &[u8]) -> Result<()> {
    hostcalls::splice(Buffer::ResponseBody, 0, size, bytes)
}

/// Keeps the first `keep` of the `size` bytes of the response's body.
///
/// # Errors
///
/// Fails outside the callback that announces them.
pub fn truncate_response(size: usize, keep: usize) -> Result<()> {
    let kept = hostcalls::buffer(Buffer::ResponseBody, keep.min(size));
    let kept = if keep == 0 { Ok(Vec::new()) } else { kept };
    replace_response(size, &kept?)
}
