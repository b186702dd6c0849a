//! A page of shared data: the counts of a few keys.

use std::{marker::PhantomData, time::Duration};

use crate::windows::State;

/// The first byte of a page: the version of its encoding.
const VERSION: u8 = 1;
/// Bytes before the entries: version and kind.
const HEADER: usize = 2;
/// Bytes of a key.
const KEY: usize = 8;

/// The counts of the keys that share a page, by the hash of their key.
///
/// Reads and changes the encoded page in place. An idle entry, whose key has not been used for a
/// window, is replaced without loss.
#[derive(Debug)]
pub struct Page<'b, S> {
    bytes: &'b mut Vec<u8>,
    state: PhantomData<S>,
}

impl<'b, S: State> Page<'b, S> {
    /// Bytes of an entry.
    const ENTRY: usize = KEY.saturating_add(S::BYTES);

    /// Opens a page; bytes of another version, kind or length become an empty one.
    pub fn open(bytes: &'b mut Vec<u8>) -> Self {
        if !is_page::<S>(bytes) {
            bytes.clear();
            bytes.extend([VERSION, S::KIND]);
        }
        Self { bytes, state: PhantomData }
    }

    /// Returns the state of a key, which is the default if the page does not have it.
    #[must_use]
    pub fn get(&self, key: u64) -> S {
        self.entries().find(|entry| has_key(entry, key)).map(state).unwrap_or_default()
    }

    /// Returns `true` if the state of a key can be set at `now` without evicting another key.
    #[must_use]
    pub fn has_room(&self, key: u64, now: Duration) -> bool {
        self.entries().count() < S::PER_PAGE
            || self.entries().any(|entry| has_key(entry, key) || is_idle::<S>(entry, now))
    }

    /// Sets the state of a key at `now`.
    ///
    /// Returns `true` if the page is full: the key that has used the least, possibly this one, is
    /// then evicted.
    pub fn set(&mut self, key: u64, state: S, now: Duration) -> bool {
        let found = self.entries().position(|entry| has_key(entry, key));
        let idle = || self.entries().position(|entry| is_idle::<S>(entry, now));
        if let Some(index) = found.or_else(idle) {
            self.write(index, key, state);
            return false;
        }
        let len = self.entries().count();
        if len < S::PER_PAGE {
            self.bytes.resize(self.bytes.len().saturating_add(Self::ENTRY), 0);
            self.write(len, key, state);
            return false;
        }
        let by_use =
            self.entries().enumerate().map(|(index, entry)| (used::<S>(entry, now), index));
        match by_use.min() {
            Some((least, index)) if least < state.used(now) => self.write(index, key, state),
            _ => {}
        }
        true
    }

    fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.get(HEADER..).unwrap_or_default().chunks_exact(Self::ENTRY)
    }

    /// Overwrites an entry.
    fn write(&mut self, index: usize, key: u64, state: S) {
        let start = index.saturating_mul(Self::ENTRY).saturating_add(HEADER);
        let end = start.saturating_add(Self::ENTRY);
        let entry = self.bytes.get_mut(start..end).and_then(<[u8]>::split_first_chunk_mut);
        if let Some((found, bytes)) = entry
            && state.write(bytes).is_some()
        {
            *found = key.to_le_bytes();
        }
    }
}

fn is_page<S: State>(bytes: &[u8]) -> bool {
    let Some(entries) = bytes.strip_prefix(&[VERSION, S::KIND]) else { return false };
    let chunks = entries.chunks_exact(Page::<S>::ENTRY);
    chunks.remainder().is_empty() && chunks.len() <= S::PER_PAGE
}

fn has_key(entry: &[u8], key: u64) -> bool {
    entry.starts_with(&key.to_le_bytes())
}

fn state<S: State>(entry: &[u8]) -> S {
    entry.get(KEY..).and_then(S::read).unwrap_or_default()
}

fn is_idle<S: State>(entry: &[u8], now: Duration) -> bool {
    state::<S>(entry).is_idle(now)
}

fn used<S: State>(entry: &[u8], now: Duration) -> u64 {
    state::<S>(entry).used(now)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::{FixedCount, SlidingCounts, windows::FullAt};

    /// Bytes of an entry.
    const ENTRY: usize = Page::<FullAt>::ENTRY;

    const fn at(nanos: u64) -> Duration {
        Duration::from_nanos(nanos)
    }

    fn full_at(nanos: u64) -> FullAt {
        FullAt::at(nanos * 16)
    }

    fn get(bytes: &[u8], key: u64) -> FullAt {
        Page::<FullAt>::open(&mut bytes.to_vec()).get(key)
    }

    fn set(bytes: &mut Vec<u8>, key: u64, state: FullAt, now: u64) -> bool {
        Page::open(bytes).set(key, state, at(now))
    }

    #[test]
    fn keeps_the_states_of_keys() {
        let mut page = Vec::new();
        for key in 1..=3 {
            assert!(!set(&mut page, key, full_at(key * 100), 50));
        }
        assert!(!set(&mut page, 2, full_at(250), 50));
        let states: Vec<FullAt> = (1..=4).map(|key| get(&page, key)).collect();
        assert_eq!(states, [full_at(100), full_at(250), full_at(300), FullAt::default()]);
    }

    #[test]
    fn idle_keys_make_room() {
        let mut page = Vec::new();
        for key in 0..100 {
            // Each is full again when the next but one comes.
            assert!(!set(&mut page, key, full_at(key + 2), key));
        }
        assert_eq!(page.len(), HEADER + 2 * ENTRY);
    }

    #[test]
    fn newcomers_never_push_out_a_heavy_user() {
        let mut page = Vec::new();
        for key in 0..8 {
            set(&mut page, key, full_at(1_000), 0);
        }
        let mut evictions = 0;
        for key in 100..10_000 {
            evictions += u64::from(set(&mut page, key, full_at(10), 0));
        }
        assert_eq!(evictions, 9_900 - 8);
        assert!((0..8).all(|key| get(&page, key) == full_at(1_000)));
    }

    #[test]
    fn foreign_bytes_are_an_empty_page() {
        let mut page = Vec::new();
        set(&mut page, 1, full_at(100), 0);
        set(&mut page, 2, full_at(100), 0);
        for len in 0..page.len() {
            let cut = get(&page[..len], 1);
            assert_eq!(cut == FullAt::default(), len != HEADER + ENTRY, "{len}");
        }
        assert_eq!(Page::<SlidingCounts>::open(&mut page.clone()).get(1), SlidingCounts::default());
        assert_eq!(Page::<FixedCount>::open(&mut page.clone()).get(1), FixedCount::default());
        let too_many = [&page[..], &[0; 15 * ENTRY]].concat();
        assert_eq!(get(&too_many, 1), FullAt::default());
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        /// While there is room, a page is a map.
        #[test]
        fn is_a_map_while_there_is_room(
            sets in proptest::collection::vec((0u64..16, 0u64..50), 0..100),
        ) {
            let mut page = Vec::new();
            let mut map = std::collections::HashMap::new();
            for (now, (key, length)) in (0u64..).zip(sets) {
                proptest::prop_assert!(!set(&mut page, key, full_at(now + length), now));
                map.insert(key, now + length);
                for (key, until) in &map {
                    let kept = get(&page, *key);
                    let is_idle = kept == FullAt::default() && *until <= now;
                    proptest::prop_assert!(kept == full_at(*until) || is_idle);
                }
            }
        }

        #[test]
        fn any_bytes_are_a_page(bytes in proptest::collection::vec(0u8.., 0..600), key: u64) {
            fn check<S: State>(mut bytes: Vec<u8>, key: u64) {
                let mut page = Page::<S>::open(&mut bytes);
                let state = page.get(key);
                page.set(key, state, at(key));
                assert!(is_page::<S>(&bytes));
            }
            check::<FullAt>(bytes.clone(), key);
            check::<SlidingCounts>(bytes.clone(), key);
            check::<FixedCount>(bytes, key);
        }
    }
}
