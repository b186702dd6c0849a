//! A cache with least-recently-used eviction.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    time::Duration,
};

use super::CachedToken;

/// A cache limited by number and size of entries; the least recently used one is evicted first.
#[derive(Debug)]
pub(super) struct Lru {
    max_entries: usize,
    max_bytes: usize,
    entries: HashMap<Rc<[u8]>, Entry>,
    /// Tokens by their last use, the oldest first.
    order: BTreeMap<u64, Rc<[u8]>>,
    /// Number of uses so far; a later use has a greater number.
    clock: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    cached: CachedToken,
    until: Duration,
    used: u64,
    bytes: usize,
}

impl Lru {
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            max_entries,
            max_bytes,
            entries: HashMap::new(),
            order: BTreeMap::new(),
            clock: 0,
            bytes: 0,
        }
    }

    /// Looks a token up; an expired entry is dropped.
    pub(super) fn find(&mut self, compact: &[u8], now: Duration) -> Option<CachedToken> {
        let entry = self.entries.get_mut(compact)?;
        if now >= entry.until {
            self.remove(compact);
            return None;
        }
        // The token of the last use, often that of the next one too, already is the newest.
        if entry.used != self.clock {
            self.clock = self.clock.saturating_add(1);
            let key = self.order.remove(&entry.used)?;
            entry.used = self.clock;
            self.order.insert(self.clock, key);
        }
        Some(entry.cached.clone())
    }

    /// Inserts a token and returns the number of live entries evicted for it; a token larger than
    /// the limit is not kept.
    pub(super) fn insert(
        &mut self,
        compact: &[u8],
        cached: CachedToken,
        until: Duration,
        now: Duration,
    ) -> usize {
        self.remove(compact);
        let bytes = cached.approx_bytes().saturating_add(compact.len());
        if self.max_entries == 0 || bytes > self.max_bytes {
            return 0;
        }
        let evicted = self.make_room(bytes, now);
        self.clock = self.clock.saturating_add(1);
        let key: Rc<[u8]> = compact.into();
        self.order.insert(self.clock, Rc::clone(&key));
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.insert(key, Entry { cached, until, used: self.clock, bytes });
        evicted
    }

    fn make_room(&mut self, bytes: usize, now: Duration) -> usize {
        let mut evicted: usize = 0;
        while self.entries.len() >= self.max_entries
            || self.bytes.saturating_add(bytes) > self.max_bytes
        {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            let is_live = self.entries.get(&oldest).is_some_and(|entry| now < entry.until);
            self.remove(&oldest);
            evicted = evicted.saturating_add(usize::from(is_live));
        }
        evicted
    }

    pub(super) fn remove(&mut self, compact: &[u8]) {
        let Some(entry) = self.entries.remove(compact) else { return };
        self.order.remove(&entry.used);
        self.bytes = self.bytes.saturating_sub(entry.bytes);
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.entries.len(), self.order.len(), self.bytes)
    }
}
