//! Sampling of new traces.

use crate::trace_context::TraceId;

/// A sampling threshold.
///
/// A new trace is sampled if the low 56 bits of its id are below the threshold, so the decision can
/// be verified from the id alone.
///
/// ```
/// use telemetry::{Generator, Threshold, TraceId};
///
/// let (all, none) = (Threshold::from_millionths(1_000_000), Threshold::from_millionths(0));
/// let id = TraceId::random(&mut Generator::new(1));
/// assert!(all.selects(id) && !none.selects(id));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Threshold(u64);

impl Threshold {
    /// Creates a threshold from a probability in millionths. Values above a million select all
    /// traces.
    #[must_use]
    pub fn from_millionths(share: u32) -> Self {
        const WHOLE: u128 = 1 << 56;
        let part = WHOLE.saturating_mul(share.min(1_000_000).into()) / 1_000_000;
        Self(u64::try_from(part).unwrap_or(u64::MAX))
    }

    /// Returns `true` if a new trace is sampled.
    #[must_use]
    pub const fn selects(self, id: TraceId) -> bool {
        id.low_56_bits() < self.0
    }

    /// Returns `true` if no trace is sampled.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::Generator;

    fn id(low: u64) -> TraceId {
        TraceId::new((1_u128 << 100) | u128::from(low)).unwrap()
    }

    #[test]
    fn the_low_56_bits_decide() {
        let half = Threshold::from_millionths(500_000);
        assert!(half.selects(id((1 << 55) - 1)));
        assert!(!half.selects(id(1 << 55)));
        assert!(half.selects(id(0xff << 56)), "higher bits are ignored");
    }

    #[test]
    fn none_and_all_have_no_exception() {
        let highest = id((1 << 56) - 1);
        assert!(Threshold::from_millionths(1_000_000).selects(highest));
        assert!(Threshold::from_millionths(u32::MAX).selects(highest));
        assert!(!Threshold::from_millionths(0).selects(id(0)));
        assert!(!Threshold::from_millionths(100).is_none());
    }

    #[test]
    fn a_tenth_of_random_traces_is_selected() {
        let tenth = Threshold::from_millionths(100_000);
        let mut generator = Generator::new(11);
        let selected =
            (0..100_000).filter(|_| tenth.selects(TraceId::random(&mut generator))).count();
        assert!((9_700..10_300).contains(&selected), "{selected}");
    }
}
