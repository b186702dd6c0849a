//! The holds of a stream.

use std::time::Duration;

use crate::Phase;

/// The reason why a stream is held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hold {
    /// A delay.
    Delay(Phase),
    /// The rate limit of the response body.
    Body,
    /// A backoff, because the proxy refused to resume the stream.
    Refused {
        /// The phase to resume.
        phase: Phase,
        /// Number of refused attempts.
        attempts: u32,
    },
}

impl Hold {
    /// Returns the phase that is held.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Delay(phase) | Self::Refused { phase, .. } => phase,
            Self::Body => Phase::Response,
        }
    }

    /// Returns `true` if the fault holds the stream, and not a refusal.
    pub const fn is_fault(self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// Returns the hold after the proxy refused to resume the stream, and its length: 10 ms, doubled
    /// with each refusal up to 1 s.
    pub const fn after_refusal(self) -> (Self, Duration) {
        const FIRST_MS: u64 = 10;
        const LAST_MS: u64 = 1_000;
        let before = match self {
            Self::Refused { attempts, .. } => attempts,
            Self::Delay(_) | Self::Body => 0,
        };
        let millis = match 1_u64.checked_shl(before) {
            Some(factor) => FIRST_MS.saturating_mul(factor),
            None => LAST_MS,
        };
        let length = Duration::from_millis(if millis < LAST_MS { millis } else { LAST_MS });
        (Self::Refused { phase: self.phase(), attempts: before.saturating_add(1) }, length)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn each_refusal_doubles_the_backoff_up_to_a_second() {
        for first in [Hold::Delay(Phase::Request), Hold::Delay(Phase::Response), Hold::Body] {
            let mut hold = first;
            for millis in [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000] {
                let (next, length) = hold.after_refusal();
                assert_eq!(length, Duration::from_millis(millis), "{hold:?}");
                assert_eq!((next.phase(), next.is_fault()), (first.phase(), false));
                hold = next;
            }
        }
    }

    #[test]
    fn the_backoff_has_a_limit_after_any_number_of_refusals() {
        for attempts in [9, 63, 64, u32::MAX] {
            let (_, length) = Hold::Refused { phase: Phase::Request, attempts }.after_refusal();
            assert_eq!(length, Duration::from_secs(1), "{attempts}");
        }
    }
}
