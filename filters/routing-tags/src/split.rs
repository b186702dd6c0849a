//! Weighted choices between tags.

use filter_core::{rendezvous, scale};

use crate::tag::Tag;

/// Tags and their weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split {
    pub(crate) variants: Vec<(Tag, u32)>,
}

impl Split {
    /// Chooses the index of a tag by key.
    pub(crate) fn choose_by_key(&self, salt: &str, key: &[u8]) -> Option<usize> {
        let variants = self.variants.iter().map(|(tag, weight)| (tag.as_str(), *weight));
        rendezvous(salt, key, variants)
    }

    /// Chooses the index of a tag by random bits.
    pub(crate) fn choose_by_bits(&self, bits: u64) -> Option<usize> {
        let mut left = scale(bits, self.total());
        self.variants.iter().position(|(_, weight)| {
            let weight = u64::from(*weight);
            let is_chosen = left < weight;
            left = left.saturating_sub(weight);
            is_chosen
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
    fn random_bits_choose_by_weight() {
        for weights in [&[90, 10][..], &[0, 1, 0, 3], &[1, 9_999]] {
            let split = split(weights);
            let total: u32 = weights.iter().sum();
            let mut counts = vec![0; weights.len()];
            for step in 0..u64::from(total) {
                let bits = u64::MAX / u64::from(total) * step + u64::MAX / u64::from(total) / 2;
                counts[split.choose_by_bits(bits).unwrap()] += 1;
            }
            assert_eq!(counts, weights);
        }
    }

    #[test]
    fn extreme_bits_choose_the_first_and_last_tag() {
        let split = split(&[1, 1]);
        let chosen = [0, u64::MAX].map(|bits| split.choose_by_bits(bits));
        assert_eq!(chosen, [Some(0), Some(1)]);
    }
}
