//! Draws: random, or from a key.

use filter_core::{Generator, sticky_draw, sticky_hash};

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

    /// Uses the draw of the delay for every part.
    pub const fn shared(self) -> Self {
        Self { abort: self.delay, response: self.delay, rate: self.delay, ..self }
    }
}

#[cfg(test)]
mod tests;
