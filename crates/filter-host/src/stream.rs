//! Paused streams: selecting, resuming and resetting them.

use crate::hostcalls::{self, Direction, Result};

/// The identifier of a plugin's or a stream's context in this virtual machine.
pub type ContextId = u32;

/// Sets the context of the following host calls to another one of this virtual machine.
///
/// # Errors
///
/// `BadArgument` if that context no longer exists. The host calls then still apply to the previous
/// context, so the caller must not resume a stream.
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

/// Resets the stream in the direction of the request.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn reset_request() -> Result<()> {
    hostcalls::reset(Direction::Request)
}

/// Resets the stream in the direction of the response.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn reset_response() -> Result<()> {
    hostcalls::reset(Direction::Response)
}
