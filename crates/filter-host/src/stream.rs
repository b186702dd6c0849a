//! Paused streams: selecting, resuming and resetting them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    mem::ManuallyDrop,
    rc::Rc,
};

pub use crate::sys::Direction;
use crate::{
    headers,
    host_error::Result,
    published::{self, Facts},
    sys,
};

/// The identifier of a plugin's or a stream's context in this virtual machine.
pub type ContextId = u32;

/// A paused stream of a suite, which has filters that have not seen its message.
pub trait Paused {
    /// Returns the facts about the stream.
    fn facts(&self) -> Rc<Facts>;

    /// Passes the message to the next filters, and resumes the stream unless one of them pauses it.
    ///
    /// # Errors
    ///
    /// Fails if the stream has ended.
    fn resume(&self, direction: Direction) -> Result<()>;
}

thread_local! {
    /// The paused streams of suites.
    ///
    /// Never dropped: a thread-local value with a destructor is slower to read.
    static PAUSED: RefCell<ManuallyDrop<BTreeMap<ContextId, Rc<dyn Paused>>>> =
        const { RefCell::new(ManuallyDrop::new(BTreeMap::new())) };
    /// The context of the last [`enter`].
    static ENTERED: Cell<ContextId> = const { Cell::new(0) };
}

/// Sets the context of the following host calls to another one of this virtual machine.
///
/// # Errors
///
/// `BadArgument` if that context no longer exists. The host calls then still apply to the previous
/// context, so the caller must not resume a stream.
pub fn enter(context: ContextId) -> Result<()> {
    sys::set_effective_context(context)?;
    headers::invalidate();
    ENTERED.set(context);
    published::enter(paused(context).map(|stream| stream.facts()));
    Ok(())
}

/// Registers a paused stream, so that [`enter`] and the functions that resume it apply to the
/// suite's filters.
pub fn register_paused(context: ContextId, stream: Rc<dyn Paused>) {
    PAUSED.with_borrow_mut(|streams| streams.insert(context, stream));
}

/// Unregisters a stream; does nothing unless [`register_paused`] registered it.
pub fn unregister_paused(context: ContextId) {
    let removed = PAUSED.with_borrow_mut(|streams| streams.remove(&context));
    drop(removed);
}

/// Resumes the paused request of the context of the last [`enter`].
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn resume_request() -> Result<()> {
    resume(Direction::Request)
}

/// Resumes the paused response of the context of the last [`enter`].
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn resume_response() -> Result<()> {
    resume(Direction::Response)
}

/// Resumes the current stream in the proxy, without the filters of a suite.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn resume_in_proxy(direction: Direction) -> Result<()> {
    sys::resume(direction)
}

/// Resets the stream in the direction of the request.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn reset_request() -> Result<()> {
    sys::reset(Direction::Request)
}

/// Resets the stream in the direction of the response.
///
/// # Errors
///
/// Fails if the stream has ended.
pub fn reset_response() -> Result<()> {
    sys::reset(Direction::Response)
}

fn resume(direction: Direction) -> Result<()> {
    match paused(ENTERED.get()) {
        Some(stream) => stream.resume(direction),
        None => sys::resume(direction),
    }
}

fn paused(context: ContextId) -> Option<Rc<dyn Paused>> {
    PAUSED.with_borrow(|streams| streams.get(&context).cloned())
}

/// Sets the context of the last [`enter`], and returns the previous one.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn swap_entered(context: ContextId) -> ContextId {
    ENTERED.replace(context)
}
