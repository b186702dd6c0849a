//! The slots of `maxActiveFaults`.

/// The number of taken slots, which [`Slots::to_bytes`] lets several workers share.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Slots(u64);

impl Slots {
    /// Restores the number from [`Slots::to_bytes`]; other bytes are 0.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.try_into().map(u64::from_le_bytes).unwrap_or_default())
    }

    /// Returns the number as 8 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }

    /// Returns the number of taken slots.
    pub const fn taken(self) -> u64 {
        self.0
    }

    /// Takes one of `max` slots. Returns `None` if all are taken.
    pub fn take(self, max: u64) -> Option<Self> {
        (self.0 < max).then(|| Self(self.0.saturating_add(1)))
    }

    /// Releases a slot.
    #[must_use]
    pub const fn release(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn takes_at_most_the_maximum() {
        let mut slots = Slots::default();
        for taken in 1..=3 {
            slots = slots.take(3).unwrap();
            assert_eq!(slots.taken(), taken);
        }
        assert_eq!(slots.take(3), None);
        assert_eq!(slots.release().take(3), Some(slots));
    }

    #[test]
    fn a_release_without_a_slot_changes_nothing() {
        assert_eq!(Slots::default().release(), Slots::default());
    }

    #[test]
    fn decodes_invalid_bytes_as_no_slot() {
        for bytes in [&[][..], &[1], &[1; 9]] {
            assert_eq!(Slots::from_bytes(bytes), Slots::default());
        }
        let slots = Slots(1_000);
        assert_eq!(Slots::from_bytes(&slots.to_bytes()), slots);
    }
}
