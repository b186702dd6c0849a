//! The time at which a stream ended.

use std::{
    cell::OnceCell,
    time::{Duration, SystemTime},
};

use filter_host::clock;

/// The time at which a stream ended.
pub(super) struct StreamEnd {
    /// The monotonic time.
    pub(super) at: Duration,
    wall: OnceCell<Duration>,
}

impl StreamEnd {
    /// Creates the end of a stream that ends now.
    pub(super) fn now() -> Self {
        Self { at: clock::monotonic(), wall: OnceCell::new() }
    }

    /// Returns the time since the Unix epoch, read on first use; 0 if the proxy has no clock.
    pub(super) fn wall(&self) -> Duration {
        let read = || clock::now().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok();
        *self.wall.get_or_init(|| read().unwrap_or_default())
    }
}
