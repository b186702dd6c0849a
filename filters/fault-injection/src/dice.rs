//! Draws: random, or from a key.

use filter_core::{sticky_draw, sticky_hash};

/// The draws of one request, independent of each other; each counts in millionths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dice {
    /// Whether it is delayed.
    pub delay: u32,
    /// Whether it is aborted.
    pub abort: u32,
    /// Whether its response is changed.
    pub response: u32,
    /// Whether its response is slowed down.
    pub rate: u32,
    /// What the length of the delay is made from.
    pub length: u64,
}

/// A generator of random numbers (SplitMix64), good for shares of traffic and for nothing secret.
#[derive(Clone, Copy, Debug)]
pub struct Generator(u64);

impl Dice {
    /// Rolls anew.
    pub const fn roll(generator: &mut Generator) -> Self {
        Self {
            delay: generator.millionths(),
            abort: generator.millionths(),
            response: generator.millionths(),
            rate: generator.millionths(),
            length: generator.bits(),
        }
    }

    /// Takes what the public hash of salt, key and the fault's name says; always the same.
    pub fn of_key(salt: &str, key: &[u8]) -> Self {
        let draw = |label| sticky_draw(sticky_hash(salt, key, label));
        Self {
            delay: draw("delay"),
            abort: draw("abort"),
            response: draw("response"),
            rate: draw("rate"),
            length: sticky_hash(salt, key, "length"),
        }
    }
}

impl Generator {
    /// Starts from random bits.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number between 0 and 1, neither of them.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub const fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    #[expect(clippy::cast_possible_truncation, reason = "below a million")]
    const fn millionths(&mut self) -> u32 {
        ((self.bits() as u128).wrapping_mul(1_000_000) >> 64) as u32
    }
}

#[cfg(test)]
mod tests;
