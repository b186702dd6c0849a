//! The draws of a request: random, or from a key.

use filter_core::{Generator, sticky_draw, sticky_hash};

/// The independent draws of one request, in millionths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Draws {
    /// Draw for the delay.
    pub delay: u32,
    /// Draw for the abort.
    pub abort: u32,
    /// Draw for changes to the response.
    pub response: u32,
    /// Draw for the rate limit.
    pub rate: u32,
    /// Random bits for the length of the delay.
    pub length: u64,
}

impl Draws {
    /// Returns random draws.
    pub const fn random(generator: &mut Generator) -> Self {
        Self {
            delay: generator.millionths(),
            abort: generator.millionths(),
            response: generator.millionths(),
            rate: generator.millionths(),
            length: generator.bits(),
        }
    }

    /// Returns the draws of a key: documented hashes of salt, key and the name of the fault.
    pub fn from_key(salt: &str, key: &[u8]) -> Self {
        let draw = |label| sticky_draw(sticky_hash(salt, key, label));
        Self {
            delay: draw("delay"),
            abort: draw("abort"),
            response: draw("response"),
            rate: draw("rate"),
            length: sticky_hash(salt, key, "length"),
        }
    }

    /// Returns draws that use the draw of the delay for every fault.
    pub const fn shared(self) -> Self {
        Self { abort: self.delay, response: self.delay, rate: self.delay, ..self }
    }
}

#[cfg(test)]
mod tests;
