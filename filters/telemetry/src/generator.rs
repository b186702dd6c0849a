//! Random numbers that name traces and choose shares of them.

use crate::trace_context::{SpanId, TraceId};

/// A generator of random numbers (SplitMix64), good for ids and shares and for nothing secret.
#[derive(Clone, Copy, Debug)]
pub struct Generator(u64);

impl Generator {
    /// Starts from random bits; two workers need different ones.
    #[must_use]
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

    /// Returns a number below a million.
    #[expect(clippy::cast_possible_truncation, reason = "below a million")]
    pub const fn millionths(&mut self) -> u32 {
        ((self.bits() as u128).wrapping_mul(1_000_000) >> 64) as u32
    }

    /// Names a new trace.
    pub fn trace_id(&mut self) -> TraceId {
        loop {
            let number = (u128::from(self.bits()) << 64) | u128::from(self.bits());
            if let Some(id) = TraceId::new(number) {
                return id;
            }
        }
    }

    /// Names a new span.
    pub fn span_id(&mut self) -> SpanId {
        loop {
            if let Some(id) = SpanId::new(self.bits()) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        let mut generator = Generator::new(1);
        let ids: HashSet<_> = (0..10_000).map(|_| generator.trace_id()).collect();
        assert_eq!(ids.len(), 10_000);
        let ids: HashSet<_> = (0..10_000).map(|_| generator.span_id()).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn zero_names_nothing() {
        // The seed whose first number is zero: the finisher maps zero to zero.
        let mut generator = Generator::new(0_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15));
        assert_eq!(generator.bits(), 0);
        let mut generator = Generator::new(0_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15));
        assert_ne!(generator.span_id().as_bytes(), &[0; 8]);
    }

    #[test]
    fn millionths_spread_evenly() {
        let mut generator = Generator::new(7);
        let low = (0..100_000).filter(|_| generator.millionths() < 100_000).count();
        assert!((9_700..10_300).contains(&low), "{low}");
    }
}
