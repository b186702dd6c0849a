//! A queue of held streams, ordered by deadline.

use std::{collections::BTreeMap, time::Duration};

/// The held streams of a worker, nearest deadline first.
///
/// Deadlines are readings of one monotonic clock. A stream is identified by its deadline and its
/// context ID.
#[derive(Debug)]
pub(super) struct DelayQueue<T> {
    queue: BTreeMap<(Duration, u32), T>,
}

impl<T> Default for DelayQueue<T> {
    fn default() -> Self {
        Self { queue: BTreeMap::new() }
    }
}

impl<T> DelayQueue<T> {
    /// Adds a stream.
    pub(super) fn insert(&mut self, due: Duration, stream: u32, value: T) {
        self.queue.insert((due, stream), value);
    }

    /// Removes a stream. Returns `None` if it is not in the queue.
    pub(super) fn remove(&mut self, due: Duration, stream: u32) -> Option<T> {
        self.queue.remove(&(due, stream))
    }

    /// Removes the next stream whose deadline has passed.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<(Duration, u32, T)> {
        let first = self.queue.first_entry().filter(|first| first.key().0 <= now)?;
        let ((due, stream), value) = first.remove_entry();
        Some((due, stream, value))
    }

    /// Returns the number of streams.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Returns `true` if the queue is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns the time until the next deadline; `None` if the queue is empty.
    ///
    /// The time is rounded up to whole milliseconds, at least 1, so that the deadline has passed by
    /// then.
    pub(super) fn wake_after(&self, now: Duration) -> Option<Duration> {
        let ((due, _), _) = self.queue.first_key_value()?;
        let left = due.saturating_sub(now).as_nanos().div_ceil(1_000_000).max(1);
        Some(Duration::from_millis(u64::try_from(left).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests;
