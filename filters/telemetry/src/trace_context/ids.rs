//! Trace ids and span ids.

use std::fmt;

use filter_core::Generator;

/// A trace id, never zero. Displayed as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TraceId([u8; 16]);

/// A span id, never zero. Displayed as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// Creates an id from a number; `None` if it is zero.
    #[must_use]
    pub const fn new(number: u128) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number.to_be_bytes())) }
    }

    /// Generates a random id.
    pub fn random(generator: &mut Generator) -> Self {
        loop {
            let number = (u128::from(generator.bits()) << 64) | u128::from(generator.bits());
            if let Some(id) = Self::new(number) {
                return id;
            }
        }
    }

    /// Parses 32 lower-case hexadecimal digits that are not all zero.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        hex(text, 32).and_then(Self::new)
    }

    /// Returns the bytes in big-endian order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the low 56 bits, which W3C Trace Context level 2 requires to be random.
    #[must_use]
    pub const fn low_56_bits(&self) -> u64 {
        const MASK: u128 = (1 << 56) - 1;
        (u128::from_be_bytes(self.0) & MASK) as u64
    }
}

impl SpanId {
    /// Creates an id from a number; `None` if it is zero.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number.to_be_bytes())) }
    }

    /// Generates a random id.
    pub fn random(generator: &mut Generator) -> Self {
        loop {
            if let Some(id) = Self::new(generator.bits()) {
                return id;
            }
        }
    }

    /// Parses 16 lower-case hexadecimal digits that are not all zero.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        hex(text, 16).and_then(|number| Self::new(u64::try_from(number).ok()?))
    }

    /// Returns the bytes in big-endian order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Parses exactly `digits` lower-case hexadecimal digits.
pub(super) fn hex(text: &[u8], digits: usize) -> Option<u128> {
    if text.len() != digits {
        return None;
    }
    text.iter().try_fold(0_u128, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit.wrapping_sub(b'0'),
            b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            _ => return None,
        };
        Some((number << 4) | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn random_ids_do_not_repeat() {
        let mut generator = Generator::new(1);
        let ids: HashSet<_> = (0..10_000).map(|_| TraceId::random(&mut generator)).collect();
        assert_eq!(ids.len(), 10_000);
        let ids: HashSet<_> = (0..10_000).map(|_| SpanId::random(&mut generator)).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn random_ids_are_never_zero() {
        // The seed whose first number is zero: the finisher maps zero to zero.
        let mut generator = Generator::new(0_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15));
        assert_eq!(generator.bits(), 0);
        let mut generator = Generator::new(0_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15));
        assert_ne!(SpanId::random(&mut generator).as_bytes(), &[0; 8]);
    }
}
