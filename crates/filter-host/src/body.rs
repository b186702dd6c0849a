//! Bodies of the current stream, chunk by chunk.

use crate::hostcalls::{self, Buffer, Result};

/// Reads at most `max` bytes of the request's body, from `start` on.
///
/// # Errors
///
/// Fails outside the callback for the body.
pub fn request_part(start: usize, max: usize) -> Result<Vec<u8>> {
    hostcalls::part(Buffer::RequestBody, start, max)
}

/// Reads at most `max` bytes of the response's body, from `start` on.
///
/// # Errors
///
/// Fails outside the callback for the body.
pub fn response_part(start: usize, max: usize) -> Result<Vec<u8>> {
    hostcalls::part(Buffer::ResponseBody, start, max)
}

/// Replaces the `size` buffered bytes of the response's body by `bytes`.
///
/// # Errors
///
/// Fails outside the callback for the body.
pub fn replace_response(size: usize, bytes: &[u8]) -> Result<()> {
    hostcalls::splice(Buffer::ResponseBody, 0, size, bytes)
}

/// Truncates the `size` buffered bytes of the response's body to `keep`.
///
/// # Errors
///
/// Fails outside the callback for the body.
pub fn cut_response(size: usize, keep: usize) -> Result<()> {
    let kept = hostcalls::buffer(Buffer::ResponseBody, keep.min(size));
    let kept = if keep == 0 { Ok(Vec::new()) } else { kept };
    replace_response(size, &kept?)
}
