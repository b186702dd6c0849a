//! Reproducible assignments by a public hash of salt, key and label.

use std::hash::Hasher;

use twox_hash::XxHash64;

/// Returns XXH64 with seed 0 of `salt 0x1F key 0x1F label`.
///
/// It has no other inputs, so every worker, proxy and script gets the same value. Different salts
/// make assignments of the same keys independent, for example in different experiments.
///
/// ```
/// assert_eq!(filter_core::sticky_hash("checkout", b"alice", "canary"), 0x3218_e7fb_ebbc_6750);
/// ```
#[must_use]
pub fn sticky_hash(salt: &str, key: &[u8], label: &str) -> u64 {
    let mut hasher = XxHash64::with_seed(0);
    for text in [salt.as_bytes(), SEPARATOR, key, SEPARATOR, label.as_bytes()] {
        hasher.write(text);
    }
    hasher.finish()
}

const SEPARATOR: &[u8] = &[0x1f];

/// Maps a hash, or 64 random bits, uniformly to 0 to 999,999.
///
/// ```
/// use filter_core::{sticky_draw, sticky_hash};
///
/// assert_eq!(sticky_draw(sticky_hash("ratings-slow", b"bob", "delay")), 27_017);
/// ```
#[must_use]
pub fn sticky_draw(hash: u64) -> u32 {
    u32::try_from(scale(hash, 1_000_000)).unwrap_or_default()
}

/// Maps a hash, or 64 random bits, uniformly to 0 to `total - 1`; returns 0 if `total` is 0.
///
/// ```
/// assert_eq!(filter_core::scale(u64::MAX, 100), 99);
/// ```
#[must_use]
pub fn scale(hash: u64, total: u64) -> u64 {
    let product = u128::from(hash).saturating_mul(u128::from(total));
    u64::try_from(product >> 64).unwrap_or_default()
}

/// Chooses a variant for a key in proportion to the weights; returns `None` if all weights are 0.
///
/// This is weighted rendezvous hashing: it chooses the variant with the greatest
/// `weight / -ln(((h >> 11) + 0.5) / 2^53)`, where `h` is the [`sticky_hash`] with the label of the
/// variant, and the first one of equal variants. The order of variants does not matter, increasing
/// a weight only moves keys to that variant, and a new variant takes keys from all others in
/// proportion.
///
/// ```
/// use filter_core::rendezvous;
///
/// let variants = [("stable", 90), ("canary", 10)];
/// assert_eq!(rendezvous("checkout", b"alice", variants), Some(0));
/// assert_eq!(rendezvous("checkout", b"user-7", variants), Some(1));
/// ```
#[must_use]
pub fn rendezvous<'v>(
    salt: &str,
    key: &[u8],
    variants: impl IntoIterator<Item = (&'v str, u32)>,
) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (index, (label, weight)) in variants.into_iter().enumerate() {
        if weight == 0 {
            continue;
        }
        let score = score(sticky_hash(salt, key, label), weight);
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((index, score));
        }
    }
    best.map(|(index, _)| index)
}

/// 2^53, the number of values of `h >> 11`.
const STEPS: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn score(hash: u64, weight: u32) -> f64 {
    f64::from(weight) / -(((hash >> 11) as f64 + 0.5) / STEPS).ln()
}

#[cfg(test)]
mod tests;
