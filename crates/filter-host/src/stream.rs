//! Selecting, resuming and resetting streams.

use crate::hostcalls::{self, Direction, Result};

/// The id of the context of a plugin or a stream in this virtual machine.
pub type ContextId = u32;

/// Selects the context on which the following host calls act.
///
/// # Errors
///
/// `BadArgument` if that context no longer exists. Nothing must be resumed then, because calls would
/// still act on the previous context.
pub fn enter(context: ContextId) -> Result<()> {
    hostcalls::set_effective_context(context)
}

/// Resumes a paused request.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn resume_request() -> Result<()> {
    hostcalls::resume(Direction::Request)
}

/// Resumes a paused response.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn resume_response() -> Result<()> {
    hostcalls::resume(Direction::Response)
}

/// Resets the request side of the stream.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn reset_request() -> Result<()> {
    hostcalls::reset(Direction::Request)
}

/// Resets the response side of the stream.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn reset_response() -> Result<()> {
    hostcalls::reset(Direction::Response)
}
