//! Random numbers.

/// A generator of random numbers (SplitMix64), for identifiers and sampling, not for secrets.
#[derive(Clone, Copy, Debug)]
pub struct Generator(u64);

impl Generator {
    /// Creates a generator from random bits, which must differ between workers.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a random number between 0 and 1, both excluded.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub const fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Returns a random number from 0 to 999,999.
    #[expect(clippy::cast_possible_truncation, reason = "below a million")]
    pub const fn millionths(&mut self) -> u32 {
        ((self.bits() as u128).wrapping_mul(1_000_000) >> 64) as u32
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn millionths_are_uniform() {
        let mut generator = Generator::new(7);
        let low = (0..100_000).filter(|_| generator.millionths() < 100_000).count();
        assert!((9_700..10_300).contains(&low), "{low}");
    }
}
