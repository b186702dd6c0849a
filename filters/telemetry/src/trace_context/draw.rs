//! Random ids of traces and spans.

use filter_core::Generator;

use crate::trace_context::{SpanId, TraceId};

impl TraceId {
    /// Names a new trace.
    pub fn draw(generator: &mut Generator) -> Self {
        loop {
            let number = (u128::from(generator.bits()) << 64) | u128::from(generator.bits());
            if let Some(id) = Self::new(number) {
                return id;
            }
        }
    }
}

impl SpanId {
    /// Names a new span.
    pub fn draw(generator: &mut Generator) -> Self {
        loop {
            if let Some(id) = Self::new(generator.bits()) {
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
        let ids: HashSet<_> = (0..10_000).map(|_| TraceId::draw(&mut generator)).collect();
        assert_eq!(ids.len(), 10_000);
        let ids: HashSet<_> = (0..10_000).map(|_| SpanId::draw(&mut generator)).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn zero_names_nothing() {
        // The seed whose first number is zero: the finisher maps zero to zero.
        let mut generator = Generator::new(0_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15));
        assert_eq!(generator.bits(), 0);
        let mut generator = Generator::new(0_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15));
        assert_ne!(SpanId::draw(&mut generator).as_bytes(), &[0; 8]);
    }
}
