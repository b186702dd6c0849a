//! Queues that all workers of the proxy share, and that outlive a configuration.
//!
//! A message is read once, by whoever comes first. Nothing bounds a queue, so put in only what was
//! bounded before; and every plugin of the proxy can write to it, so believe no message.

use crate::hostcalls::{self, HostError, Result};

/// A queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SharedQueue(u32);

impl SharedQueue {
    /// Finds the queue of that name among those of this virtual machine's id, or makes it.
    ///
    /// # Errors
    ///
    /// Fails when the proxy refuses the name.
    pub fn open(name: &str) -> Result<Self> {
        hostcalls::register_shared_queue(name).map(Self)
    }

    /// Puts a message at the end.
    ///
    /// # Errors
    ///
    /// Fails when the queue is gone.
    pub fn push(self, message: &[u8]) -> Result<()> {
        hostcalls::enqueue(self.0, message)
    }

    /// Takes the first message; `None` where there is none.
    ///
    /// # Errors
    ///
    /// Fails when the queue is gone.
    pub fn pop(self) -> Result<Option<Vec<u8>>> {
        match hostcalls::dequeue(self.0) {
            Ok(message) => Ok(Some(message)),
            Err(HostError::Empty) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
