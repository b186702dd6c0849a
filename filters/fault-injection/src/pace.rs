//! Bodies at a given rate.

use std::time::Duration;

/// When the bytes of a body are due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    kib_per_second: u64,
    /// When everything that was seen so far is due; zero before the first byte.
    due: Duration,
}

impl Pace {
    /// Lets `kib_per_second` pass, at least 1.
    pub const fn new(kib_per_second: u64) -> Self {
        Self { kib_per_second, due: Duration::ZERO }
    }

    /// Takes `bytes` that have arrived at `now`; returns when all of them are due.
    pub fn take(&mut self, bytes: usize, now: Duration) -> Duration {
        let bytes = u128::try_from(bytes).unwrap_or(u128::MAX);
        let a_second = u128::from(self.kib_per_second).saturating_mul(1024);
        let nanos = bytes.saturating_mul(1_000_000_000).checked_div(a_second).unwrap_or_default();
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.due = self.due.max(now).saturating_add(time);
        self.due
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn bytes_are_due_one_after_the_other() {
        let mut pace = Pace::new(2);
        let at = Duration::from_millis;
        assert_eq!(pace.take(1024, at(100)), at(600));
        assert_eq!(pace.take(1024, at(200)), at(1_100), "behind those before");
        assert_eq!(pace.take(2048, at(5_000)), at(6_000), "no credit for a pause");
        assert_eq!(pace.take(0, at(5_500)), at(6_000));
    }

    #[test]
    fn absurd_sizes_saturate() {
        assert!(Pace::new(1).take(usize::MAX, Duration::MAX) <= Duration::MAX);
    }
}
