//! Streams that wait until they are due.

use std::{collections::BTreeMap, time::Duration};

/// What waits in one worker, the nearest deadline first.
///
/// Times are readings of one monotonic clock. `W` is what is known about one that waits; the number
/// is its stream's.
#[derive(Debug)]
pub struct Waiting<W> {
    queue: BTreeMap<(Duration, u32), W>,
}

impl<W> Default for Waiting<W> {
    fn default() -> Self {
        Self { queue: BTreeMap::new() }
    }
}

impl<W> Waiting<W> {
    /// Puts a stream in the queue.
    pub fn add(&mut self, due: Duration, stream: u32, what: W) {
        self.queue.insert((due, stream), what);
    }

    /// Takes a stream out before it is due; `None` when it does not wait any more.
    pub fn remove(&mut self, due: Duration, stream: u32) -> Option<W> {
        self.queue.remove(&(due, stream))
    }

    /// Takes out one that is due, with its deadline.
    pub fn pop(&mut self, now: Duration) -> Option<(Duration, u32, W)> {
        let first = self.queue.first_entry().filter(|first| first.key().0 <= now)?;
        let ((due, stream), what) = first.remove_entry();
        Some((due, stream, what))
    }

    /// Returns how many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Says whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns after what time the plugin must be woken, at least 1 ms; `None` for not at all.
    ///
    /// It is rounded up to whole milliseconds, so that the first one is due by then.
    pub fn wake_after(&self, now: Duration) -> Option<Duration> {
        let ((due, _), _) = self.queue.first_key_value()?;
        let left = due.saturating_sub(now).as_nanos().div_ceil(1_000_000).max(1);
        Some(Duration::from_millis(u64::try_from(left).unwrap_or(u64::MAX)))
    }
}

/// Returns when a stream that the proxy refused to resume is tried again, after `refusals` of them.
///
/// Quickly at first, then once a second until the stream ends.
pub const fn retry_after(refusals: u32) -> Duration {
    const FIRST_MS: u64 = 10;
    const LAST_MS: u64 = 1_000;
    let factor = 1_u64.checked_shl(refusals.saturating_sub(1));
    let millis = match factor {
        Some(factor) => FIRST_MS.saturating_mul(factor),
        None => LAST_MS,
    };
    Duration::from_millis(if millis < LAST_MS { millis } else { LAST_MS })
}

#[cfg(test)]
mod tests;
