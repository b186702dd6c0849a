//! Queues that all workers of the proxy share. They outlive a configuration.
//!
//! Each message is read once, by the first reader. A queue has no limit, so its writer must have one;
//! and every plugin of the proxy can write to it, so no message is trustworthy.

use crate::hostcalls::{self, HostError, Result};

/// A shared queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SharedQueue(u32);

impl SharedQueue {
    /// Opens or creates the queue `name` of this virtual machine's id.
    ///
    /// # Errors
    ///
    /// Fails if the proxy refuses the name.
    pub fn open(name: &str) -> Result<Self> {
        hostcalls::register_shared_queue(name).map(Self)
    }

    /// Appends a message.
    ///
    /// # Errors
    ///
    /// Fails if the queue does not exist.
    pub fn push(self, message: &[u8]) -> Result<()> {
        hostcalls::enqueue(self.0, message)
    }

    /// Removes and returns the first message; `None` if the queue is empty.
    ///
    /// # Errors
    ///
    /// Fails if the queue does not exist.
    pub fn pop(self) -> Result<Option<Vec<u8>>> {
        match hostcalls::dequeue(self.0) {
            Ok(message) => Ok(Some(message)),
            Err(HostError::Empty) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
