//! The rate limit of a response body.

use std::time::Duration;

/// Computes when the bytes of a body may be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimiter {
    kib_per_second: u64,
    /// Time at which all bytes so far may be sent; zero before the first byte.
    due: Duration,
}

impl RateLimiter {
    /// Creates a limiter for a rate of at least 1 KiB per second.
    pub const fn new(kib_per_second: u64) -> Self {
        Self { kib_per_second, due: Duration::ZERO }
    }

    /// Adds `bytes` that arrived at `now`. Returns the time at which all of them may be sent.
    pub fn reserve(&mut self, bytes: usize, now: Duration) -> Duration {
        let bytes = u128::try_from(bytes).unwrap_or(u128::MAX);
        let per_second = u128::from(self.kib_per_second).saturating_mul(1024);
        let nanos = bytes.saturating_mul(1_000_000_000).checked_div(per_second).unwrap_or_default();
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
    fn bytes_are_sent_at_the_rate() {
        let mut limiter = RateLimiter::new(2);
        let at = Duration::from_millis;
        assert_eq!(limiter.reserve(1024, at(100)), at(600));
        assert_eq!(limiter.reserve(1024, at(200)), at(1_100), "after the bytes before");
        assert_eq!(limiter.reserve(2048, at(5_000)), at(6_000), "no credit for a pause");
        assert_eq!(limiter.reserve(0, at(5_500)), at(6_000));
    }

    #[test]
    fn huge_sizes_saturate() {
        assert!(RateLimiter::new(1).reserve(usize::MAX, Duration::MAX) <= Duration::MAX);
    }
}
