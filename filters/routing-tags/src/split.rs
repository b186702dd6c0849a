//! Choosing between tags by weight.

use filter_core::{rendezvous, scale};

use crate::tag::Tag;

/// Tags and their weights; a choice gives the place of a tag.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split {
    pub(crate) variants: Vec<(Tag, u32)>,
}

impl Split {
    /// Chooses for a key, always the same.
    pub(crate) fn sticky(&self, salt: &str, key: &[u8]) -> Option<usize> {
        let variants = self.variants.iter().map(|(tag, weight)| (tag.as_str(), *weight));
        rendezvous(salt, key, variants)
    }

    /// Chooses by 64 random bits.
    pub(crate) fn random(&self, bits: u64) -> Option<usize> {
        let mut left = scale(bits, self.total());
        self.variants.iter().position(|(_, weight)| {
            let weight = u64::from(*weight);
            let taken = left < weight;
            left = left.saturating_sub(weight);
            taken
        })
    }

    fn total(&self) -> u64 {
        self.variants.iter().map(|(_, weight)| u64::from(*weight)).sum()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn split(weights: &[u32]) -> Split {
        let variant =
            |(index, weight): (usize, &u32)| (format!("v{index}").parse().unwrap(), *weight);
        Split { variants: weights.iter().enumerate().map(variant).collect() }
    }

    #[test]
    fn random_bits_fall_by_weight() {
        for weights in [&[90, 10][..], &[0, 1, 0, 3], &[1, 9_999]] {
            let split = split(weights);
            let total: u32 = weights.iter().sum();
            let mut counts = vec![0; weights.len()];
            for step in 0..u64::from(total) {
                let bits = u64::MAX / u64::from(total) * step + u64::MAX / u64::from(total) / 2;
                counts[split.random(bits).unwrap()] += 1;
            }
            assert_eq!(counts, weights);
        }
    }

    #[test]
    fn the_extremes_are_inside() {
        let split = split(&[1, 1]);
        assert_eq!((split.random(0), split.random(u64::MAX)), (Some(0), Some(1)));
    }
}
