//! Queues that all workers of the proxy share and that outlive a configuration.
//!
//! Each message is read by one worker. A queue is unbounded, so the sender must limit its messages.
//! Every plugin of the proxy can write to a queue, so the receiver must not trust messages.

use crate::{
    host_error::{HostError, Result},
    sys,
};

/// A shared queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SharedQueue(u32);

impl SharedQueue {
    /// Opens the queue of this name and this virtual machine ID, or creates it.
    ///
    /// # Errors
    ///
    /// Fails if the proxy refuses the name.
    pub fn open(name: &str) -> Result<Self> {
        sys::register_shared_queue(name).map(Self)
    }

    /// Appends a message.
    ///
    /// # Errors
    ///
    /// Fails if the queue no longer exists.
    pub fn push(self, message: &[u8]) -> Result<()> {
        sys::enqueue(self.0, message)
    }

    /// Removes and returns the first message; `None` if the queue is empty.
    ///
    /// # Errors
    ///
    /// Fails if the queue no longer exists.
    pub fn pop(self) -> Result<Option<Vec<u8>>> {
        match sys::dequeue(self.0) {
            Ok(message) => Ok(Some(message)),
            Err(HostError::Empty) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
