//! A page of shared data: the counts of a few keys.

use std::time::Duration;

use crate::windows::State;

/// The first byte of a page: the version of its encoding.
const VERSION: u8 = 1;
/// Bytes before the entries: version and kind.
const HEADER: usize = 2;
/// Bytes of a key.
const KEY: usize = 8;

/// The counts of the keys that share a page, by the hash of their key.
///
/// Entries whose state is idle, as of a key that has not been used for a window, are dropped without
/// loss.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Page<S> {
    entries: Vec<(u64, S)>,
}

impl<S: State> Page<S> {
    /// Decodes a page; an empty one if the bytes are of another version, kind or length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { entries: entries(bytes).unwrap_or_default() }
    }

    /// Encodes the page; no entry is idle at the time of the last [`Page::set`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let len = self.entries.len().saturating_mul(KEY.saturating_add(S::BYTES));
        let mut bytes = Vec::with_capacity(HEADER.saturating_add(len));
        bytes.extend([VERSION, S::KIND]);
        for (key, state) in &self.entries {
            bytes.extend(key.to_le_bytes());
            state.write(&mut bytes);
        }
        bytes
    }

    /// Returns the state of a key; that of an unused key if the page does not have it.
    #[must_use]
    pub fn get(&self, key: u64) -> S {
        let found = self.entries.iter().find(|(found, _)| *found == key);
        found.map_or_else(S::default, |(_, state)| *state)
    }

    /// Returns `true` if the state of a key can be set without loss of another key.
    #[must_use]
    pub fn has_room(&self, key: u64) -> bool {
        self.entries.len() < S::PER_PAGE || self.entries.iter().any(|(found, _)| *found == key)
    }

    /// Sets the state of a key at `now`, and drops idle entries.
    ///
    /// If the page is full, the key that has used least makes room, which may be this one, and
    /// `true` is returned: its next requests find a full count.
    pub fn set(&mut self, key: u64, state: S, now: Duration) -> bool {
        self.entries.retain(|(kept, state)| *kept != key && !state.is_idle(now));
        if !state.is_idle(now) {
            self.entries.push((key, state));
        }
        if self.entries.len() <= S::PER_PAGE {
            return false;
        }
        let by_use = self.entries.iter().enumerate().map(|(at, (_, state))| (state.used(now), at));
        if let Some((_, least)) = by_use.min() {
            self.entries.swap_remove(least);
        }
        true
    }
}

fn entries<S: State>(bytes: &[u8]) -> Option<Vec<(u64, S)>> {
    let entries = bytes.strip_prefix(&[VERSION, S::KIND])?;
    let chunks = entries.chunks_exact(KEY.checked_add(S::BYTES)?);
    if !chunks.remainder().is_empty() || chunks.len() > S::PER_PAGE {
        return None;
    }
    let entry = |chunk: &[u8]| {
        let (key, state) = chunk.split_first_chunk::<KEY>()?;
        Some((u64::from_le_bytes(*key), S::read(state)?))
    };
    chunks.map(entry).collect()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::{FixedCount, SlidingCounts, windows::FullAt};

    const fn at(nanos: u64) -> Duration {
        Duration::from_nanos(nanos)
    }

    fn full_at(nanos: u64) -> FullAt {
        FullAt(nanos * 16)
    }

    #[test]
    fn keeps_the_states_of_keys() {
        let mut page = Page::default();
        for key in 1..=3 {
            assert!(!page.set(key, full_at(key * 100), at(50)));
        }
        assert!(!page.set(2, full_at(250), at(50)));
        let page = Page::<FullAt>::from_bytes(&page.to_bytes());
        let states: Vec<FullAt> = (1..=4).map(|key| page.get(key)).collect();
        assert_eq!(states, [full_at(100), full_at(250), full_at(300), full_at(0)]);
    }

    #[test]
    fn idle_keys_make_room() {
        let mut page = Page::default();
        for key in 0..100 {
            // Each is full again when the next but one comes.
            assert!(!page.set(key, full_at(key + 2), at(key)));
        }
        assert_eq!(page.to_bytes().len(), HEADER + 2 * 16);
    }

    #[test]
    fn newcomers_never_push_out_a_heavy_user() {
        let mut page = Page::default();
        for key in 0..8 {
            page.set(key, full_at(1_000), at(0));
        }
        let mut evictions = 0;
        for key in 100..10_000 {
            evictions += u64::from(page.set(key, full_at(10), at(0)));
        }
        assert_eq!(evictions, 9_900 - 8);
        assert!((0..8).all(|key| page.get(key) == full_at(1_000)));
    }

    #[test]
    fn foreign_bytes_are_an_empty_page() {
        let mut page = Page::default();
        page.set(1, full_at(100), at(0));
        page.set(2, full_at(100), at(0));
        let bytes = page.to_bytes();
        let empty = Page::<FullAt>::default();
        for len in 0..bytes.len() {
            let cut = Page::<FullAt>::from_bytes(&bytes[..len]);
            assert_eq!(cut == empty, len != HEADER + 16, "{len}");
        }
        assert_eq!(Page::<SlidingCounts>::from_bytes(&bytes), Page::default());
        assert_eq!(Page::<FixedCount>::from_bytes(&bytes), Page::default());
        let too_many = [&bytes[..], &[0; 15 * 16]].concat();
        assert_eq!(Page::<FullAt>::from_bytes(&too_many), empty);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        /// While there is room, a page is a map.
        #[test]
        fn is_a_map_while_there_is_room(
            sets in proptest::collection::vec((0u64..16, 0u64..50), 0..100),
        ) {
            let mut page = Page::default();
            let mut map = std::collections::HashMap::new();
            for (now, (key, length)) in (0u64..).zip(sets) {
                proptest::prop_assert!(!page.set(key, full_at(now + length), at(now)));
                map.insert(key, now + length);
                page = Page::from_bytes(&page.to_bytes());
                for (key, until) in &map {
                    let kept = page.get(*key);
                    let is_idle = kept == FullAt(0) && *until <= now;
                    proptest::prop_assert!(kept == full_at(*until) || is_idle);
                }
            }
        }

        #[test]
        fn any_bytes_decode(bytes in proptest::collection::vec(0u8.., 0..600)) {
            let _ = Page::<FullAt>::from_bytes(&bytes).to_bytes();
            let _ = Page::<SlidingCounts>::from_bytes(&bytes).to_bytes();
            let _ = Page::<FixedCount>::from_bytes(&bytes).to_bytes();
        }
    }
}
