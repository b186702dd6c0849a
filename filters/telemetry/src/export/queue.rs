//! Items that wait to be sent.

use std::{collections::VecDeque, time::Duration};

use super::Limits;
use crate::export::otlp::Item;

/// What keeping an item costs beside its bytes.
const KEEPING: usize = 32;

/// A bounded queue that sheds its oldest.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<(Duration, Item)>,
    bytes: usize,
}

impl Queue {
    /// Puts an item at the end; returns how many old ones had to go.
    pub(super) fn push(&mut self, item: Item, now: Duration, limits: &Limits) -> u64 {
        let size = cost(&item);
        let mut shed = 0_u64;
        while !self.items.is_empty()
            && (self.items.len() >= limits.items || self.bytes.saturating_add(size) > limits.bytes)
        {
            self.pop();
            shed = shed.saturating_add(1);
        }
        self.bytes = self.bytes.saturating_add(size);
        self.items.push_back((now, item));
        shed
    }

    /// Takes out the oldest items that fit in a request with `room` bytes.
    pub(super) fn take(&mut self, most: usize, room: usize) -> Vec<Item> {
        let mut taken = Vec::with_capacity(most.min(self.items.len()));
        let mut left = room;
        while taken.len() < most {
            let Some((_, next)) = self.items.front() else { break };
            let Some(rest) = left.checked_sub(next.size()) else { break };
            left = rest;
            taken.extend(self.pop());
        }
        taken
    }

    /// Says whether a request is worth sending: it would be full, or the oldest waited long enough.
    pub(super) fn is_ready(&self, now: Duration, limits: &Limits, room: usize) -> bool {
        let waited = |since: Duration| now.saturating_sub(since) >= limits.batch_delay;
        self.items.len() >= limits.batch_items
            || self.bytes >= room
            || self.items.front().is_some_and(|(since, _)| waited(*since))
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
    item.size().saturating_add(KEEPING)
}
