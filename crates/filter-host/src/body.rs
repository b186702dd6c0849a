//! Request and response bodies, chunk by chunk.

use std::cell::Cell;

use crate::{
    host_error::Result,
    sys::{self, Buffer},
};

thread_local! {
    static NEW_SIZE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Reads at most `max` buffered bytes of the request body, beginning at `start`.
///
/// # Errors
///
/// Fails outside the callback for that body.
pub fn request_bytes(start: usize, max: usize) -> Result<Vec<u8>> {
    sys::buffer_range(Buffer::RequestBody, start, max)
}

/// Reads at most `max` buffered bytes of the response body, beginning at `start`.
///
/// # Errors
///
/// Fails outside the callback for that body.
pub fn response_bytes(start: usize, max: usize) -> Result<Vec<u8>> {
    sys::buffer_range(Buffer::ResponseBody, start, max)
}

/// Replaces the first `size` buffered bytes of the response body with `bytes`.
///
/// # Errors
///
/// Fails outside the callback for that body.
pub fn replace_response(size: usize, bytes: &[u8]) -> Result<()> {
    sys::replace_buffer_range(Buffer::ResponseBody, 0, size, bytes)?;
    NEW_SIZE.set(Some(bytes.len()));
    Ok(())
}

/// Returns the new size of the chunk, once, if it was replaced.
///
/// Used by a suite, whose next filters get the changed chunk.
#[must_use]
pub fn take_new_size() -> Option<usize> {
    NEW_SIZE.take()
}

/// Truncates the `size` buffered bytes of the response body to the first `keep`.
///
/// # Errors
///
/// Fails outside the callback for that body.
pub fn truncate_response(size: usize, keep: usize) -> Result<()> {
    if keep == 0 {
        return replace_response(size, &[]);
    }
    let kept = sys::buffer_range(Buffer::ResponseBody, 0, keep.min(size))?;
    replace_response(size, &kept)
}
