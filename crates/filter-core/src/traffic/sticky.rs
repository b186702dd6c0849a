//! Assignments that anyone can recompute: a public hash of salt, key and label.

use std::hash::Hasher;

use twox_hash::XxHash64;

/// Returns XXH64 with seed 0 of `salt 0x1F key 0x1F label`.
///
/// Nothing else goes into it, so every worker, every proxy and any script gets the same number. The
/// salt tells experiments apart: with another one, the same keys fall elsewhere.
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

/// Maps a hash, or 64 random bits, to 0 to 999,999, each as often as the others.
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

/// Maps a hash, or 64 random bits, to a number below `total`; 0 where `total` is 0.
///
/// ```
/// assert_eq!(filter_core::scale(u64::MAX, 100), 99);
/// ```
#[must_use]
pub fn scale(hash: u64, total: u64) -> u64 {
    let product = u128::from(hash).saturating_mul(u128::from(total));
    u64::try_from(product >> 64).unwrap_or_default()
}

/// Chooses one of several variants for a key, each as often as its weight says.
///
/// This is weighted rendezvous hashing: the variant with the greatest
/// `weight / -ln(((h >> 11) + 0.5) / 2^53)` wins, where `h` is the [`sticky_hash`] with the variant's
/// label; the first of equals. So the order of variants does not matter, raising one weight moves
/// keys to that variant only, and a new variant takes from each in proportion. `None` where no
/// weight is above 0.
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

/// 2^53, up to which a double counts in ones.
const STEPS: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn score(hash: u64, weight: u32) -> f64 {
    f64::from(weight) / -(((hash >> 11) as f64 + 0.5) / STEPS).ln()
}

#[cfg(test)]
mod tests;
