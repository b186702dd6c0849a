//! What the workers of a proxy have admitted together, as a set of hashes that they share.
//!
//! The set only grows, since the proxy never forgets a series; so what is known here stays true.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, DefaultHasher, Hasher},
};

/// A worker's view of a shared set of hashes, and its limit.
#[derive(Clone, Debug)]
pub struct CardinalityLimit {
    known: HashSet<u64, BuildHasherDefault<DefaultHasher>>,
    most: usize,
}

/// What a worker knows of a value without asking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// It was admitted.
    Admitted,
    /// It was not, and never will be: the set is full.
    Refused,
    /// The shared set must be asked.
    Unknown,
}

impl CardinalityLimit {
    /// Opens the view of a set that takes `most` hashes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { known: HashSet::default(), most }
    }

    /// Says what is known of a hash.
    #[must_use]
    pub fn of(&self, hash: u64) -> Lookup {
        if self.known.contains(&hash) {
            Lookup::Admitted
        } else if self.known.len() >= self.most {
            Lookup::Refused
        } else {
            Lookup::Unknown
        }
    }

    /// Takes what the shared value holds: eight bytes for each hash, the lowest first.
    pub fn learn(&mut self, shared: &[u8]) {
        let hashes = shared.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        self.known.extend(hashes);
    }

    /// Returns the shared value with one hash more.
    #[must_use]
    pub fn with(shared: &[u8], hash: u64) -> Vec<u8> {
        [shared, &hash.to_le_bytes()].concat()
    }
}

/// Hashes a value, alike in every worker.
#[must_use]
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn two_workers_admit_no_more_than_the_limit() {
        let mut shared = Vec::new();
        let mut workers = [CardinalityLimit::new(3), CardinalityLimit::new(3)];
        let mut admitted = 0;
        for value in 0..100_u64 {
            let worker = &mut workers[usize::try_from(value % 2).unwrap()];
            worker.learn(&shared);
            if worker.of(value) == Lookup::Unknown {
                shared = CardinalityLimit::with(&shared, value);
                worker.learn(&shared);
                admitted += 1;
            }
        }
        assert_eq!(admitted, 3);
        assert_eq!(shared.len(), 24);
        assert_eq!(workers[0].of(0), Lookup::Admitted);
        assert_eq!(workers[1].of(0), Lookup::Admitted, "what another worker admitted is known");
        assert_eq!(workers[1].of(99), Lookup::Refused);
    }

    #[test]
    fn a_broken_shared_value_does_no_harm() {
        let mut admission = CardinalityLimit::new(2);
        admission.learn(&[1, 2, 3]);
        assert_eq!(admission.of(7), Lookup::Unknown);
    }

    #[test]
    fn hashes_are_the_same_everywhere() {
        assert_eq!(hash(b"gold"), hash(b"gold"));
        assert_ne!(hash(b"gold"), hash(b"silver"));
    }
}
