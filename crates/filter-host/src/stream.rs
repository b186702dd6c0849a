//! Streams that wait: choosing one by its id, resuming it, ending it.

use crate::hostcalls::{self, Direction, Result};

/// The id of a plugin's or a stream's context in this virtual machine.
pub type ContextId = u32;

/// Makes the calls that follow act on another context of this virtual machine.
///
/// # Errors
///
/// `BadArgument` when that context is gone: then nothing may be resumed, because the calls would
/// still act on the context of before.
pub fn enter(context: ContextId) -> Result<()> {
    hostcalls::set_effective_context(context)
}

/// Lets a paused request go on.
///
/// # Errors
///
/// Fails when the stream has ended.
pub fn resume_request() -> Result<()> {
    hostcalls::resume(Direction::Request)
}

/// Lets a paused response go on.
///
/// # Errors
///
/// Fails when the stream has ended.
pub fn resume_response() -> Result<()> {
    hostcalls::resume(Direction::Response)
}

/// Resets the stream from the request's side.
///
/// # Errors
///
/// Fails when the stream has ended.
pub fn reset_request() -> Result<()> {
    hostcalls::reset(Direction::Request)
}

/// Resets the stream from the response's side.
///
/// # Errors
///
/// Fails when the stream has ended.
pub fn reset_response() -> Result<()> {
    hostcalls::reset(Direction::Response)
}
