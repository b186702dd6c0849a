//! How much is kept and sent at once.

use std::time::Duration;

/// The bounds of one lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most items that wait.
    pub items: usize,
    /// The most bytes that wait.
    pub bytes: usize,
    /// The most items in a request.
    pub batch_items: usize,
    /// The most bytes in a request, its envelope included.
    pub batch_bytes: usize,
    /// How long an item waits for others.
    pub batch_delay: Duration,
    /// How long a request is tried.
    pub elapsed: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            items: 4_096,
            bytes: 1_048_576,
            batch_items: 512,
            batch_bytes: 262_144,
            batch_delay: Duration::from_secs(1),
            elapsed: Duration::from_mins(1),
        }
    }
}
