//! The queue of items before they are batched.

use std::{collections::VecDeque, time::Duration};

use crate::export::otlp::Item;

/// Memory cost of a queued item in addition to its size, in bytes.
const ITEM_OVERHEAD: usize = 32;

/// The limits of a pipeline's queue and batches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QueueLimits {
    /// Maximum number of queued items.
    pub max_items: usize,
    /// Maximum size of the queue, in bytes.
    pub max_bytes: usize,
    /// Maximum number of items in a request.
    pub max_batch_items: usize,
    /// Maximum size of a request including its envelope, in bytes.
    pub max_batch_bytes: usize,
    /// Maximum time that an item waits for a batch to fill.
    pub max_batch_delay: Duration,
    /// Maximum time from the first attempt to send a batch to the last.
    pub max_elapsed_time: Duration,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            max_items: 4_096,
            max_bytes: 1_048_576,
            max_batch_items: 512,
            max_batch_bytes: 262_144,
            max_batch_delay: Duration::from_secs(1),
            max_elapsed_time: Duration::from_mins(1),
        }
    }
}

/// A bounded queue that drops its oldest items when full.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<(Duration, Item)>,
    bytes: usize,
}

impl Queue {
    /// Appends an item; returns how many old items were dropped.
    pub(super) fn push(&mut self, item: Item, now: Duration, limits: &QueueLimits) -> u64 {
        let size = cost(&item);
        let mut dropped = 0_u64;
        while !self.items.is_empty()
            && (self.items.len() >= limits.max_items
                || self.bytes.saturating_add(size) > limits.max_bytes)
        {
            self.pop();
            dropped = dropped.saturating_add(1);
        }
        self.bytes = self.bytes.saturating_add(size);
        self.items.push_back((now, item));
        dropped
    }

    /// Removes the oldest items, at most `max_items` with `max_bytes` in total.
    pub(super) fn take(&mut self, max_items: usize, max_bytes: usize) -> Vec<Item> {
        let mut taken = Vec::with_capacity(max_items.min(self.items.len()));
        let mut left = max_bytes;
        while taken.len() < max_items {
            let Some((_, next)) = self.items.front() else { break };
            let Some(rest) = left.checked_sub(next.size()) else { break };
            left = rest;
            taken.extend(self.pop());
        }
        taken
    }

    /// Returns `true` if a request would be full, or the oldest item has waited long enough.
    ///
    /// `capacity` is the number of bytes of items that fit in a request.
    pub(super) fn is_ready(&self, now: Duration, limits: &QueueLimits, capacity: usize) -> bool {
        let is_due = |since: Duration| now.saturating_sub(since) >= limits.max_batch_delay;
        self.items.len() >= limits.max_batch_items
            || self.bytes >= capacity
            || self.items.front().is_some_and(|(since, _)| is_due(*since))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn pop(&mut self) -> Option<Item> {
        let (_, item) = self.items.pop_front()?;
        self.bytes = self.bytes.saturating_sub(cost(&item));
        Some(item)
    }
}

const fn cost(item: &Item) -> usize {
    item.size().saturating_add(ITEM_OVERHEAD)
}
