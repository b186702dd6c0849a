//! Limits on the number of distinct values or series, as sets of hashes that all workers share.
//!
//! The sets only grow, because Envoy never removes a series, so cached answers stay valid.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, DefaultHasher, Hasher},
};

/// A worker's cached copy of a shared set of hashes with a maximum size.
#[derive(Clone, Debug)]
pub struct CardinalityLimit {
    known: HashSet<u64, BuildHasherDefault<DefaultHasher>>,
    max: usize,
}

/// The answer of the cached set for a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// The value is in the set.
    Admitted,
    /// The value is not in the set, which is full.
    Refused,
    /// The value may have been added by another worker, so the shared set must be read.
    Unknown,
}

impl CardinalityLimit {
    /// Creates the cached copy of a set with at most `max` hashes.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { known: HashSet::default(), max }
    }

    /// Looks up a hash in the cached set.
    #[must_use]
    pub fn lookup(&self, hash: u64) -> Lookup {
        if self.known.contains(&hash) {
            Lookup::Admitted
        } else if self.known.len() >= self.max {
            Lookup::Refused
        } else {
            Lookup::Unknown
        }
    }

    /// Adds the hashes of the shared value, each as eight little-endian bytes.
    pub fn merge(&mut self, shared: &[u8]) {
        let hashes = shared.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        self.known.extend(hashes);
    }

    /// Returns the shared value with one more hash.
    #[must_use]
    pub fn appended(shared: &[u8], hash: u64) -> Vec<u8> {
        [shared, &hash.to_le_bytes()].concat()
    }
}

/// Hashes a value, with the same result in every worker.
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
    fn workers_share_the_limit() {
        let mut shared = Vec::new();
        let mut workers = [CardinalityLimit::new(3), CardinalityLimit::new(3)];
        let mut admitted = 0;
        for value in 0..100_u64 {
            let worker = &mut workers[usize::try_from(value % 2).unwrap()];
            worker.merge(&shared);
            if worker.lookup(value) == Lookup::Unknown {
                shared = CardinalityLimit::appended(&shared, value);
                worker.merge(&shared);
                admitted += 1;
            }
        }
        assert_eq!(admitted, 3);
        assert_eq!(shared.len(), 24);
        assert_eq!(workers[0].lookup(0), Lookup::Admitted);
        assert_eq!(workers[1].lookup(0), Lookup::Admitted, "admitted by the other worker");
        assert_eq!(workers[1].lookup(99), Lookup::Refused);
    }

    #[test]
    fn malformed_shared_values_are_ignored() {
        let mut limit = CardinalityLimit::new(2);
        limit.merge(&[1, 2, 3]);
        assert_eq!(limit.lookup(7), Lookup::Unknown);
    }

    #[test]
    fn hashes_are_deterministic() {
        assert_eq!(hash(b"gold"), hash(b"gold"));
        assert_ne!(hash(b"gold"), hash(b"silver"));
    }
}
