//! A limit on how often something may happen.

use std::time::Duration;

/// What one token weighs: a rate of one gives so many parts of it each nanosecond.
const TOKEN: u64 = 1_000_000_000;

/// So many tokens a second, of which at most one second's worth can be saved up.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    per_second: u64,
    /// What is left, in billionths of a token.
    level: u64,
    filled: Duration,
}

impl TokenBucket {
    /// Makes a full bucket.
    #[must_use]
    pub const fn new(per_second: u32) -> Self {
        let per_second = per_second as u64;
        Self { per_second, level: per_second.saturating_mul(TOKEN), filled: Duration::ZERO }
    }

    /// Takes a token at `now`, by a clock that never goes back; `false` when there is none.
    pub fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.filled);
        self.filled = self.filled.max(now);
        let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        let full = self.per_second.saturating_mul(TOKEN);
        let gained = passed.saturating_mul(self.per_second);
        self.level = self.level.saturating_add(gained).min(full);
        let left = self.level.checked_sub(TOKEN);
        self.level = left.unwrap_or(self.level);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn taken(bucket: &mut TokenBucket, tries: usize, now: Duration) -> usize {
        (0..tries).filter(|_| bucket.take(now)).count()
    }

    #[test]
    fn gives_one_seconds_worth_at_once_and_no_more() {
        let mut bucket = TokenBucket::new(10);
        assert_eq!(taken(&mut bucket, 100, Duration::ZERO), 10);
        assert_eq!(taken(&mut bucket, 100, Duration::from_millis(99)), 0);
        assert_eq!(taken(&mut bucket, 100, Duration::from_millis(100)), 1);
        assert_eq!(taken(&mut bucket, 100, Duration::from_secs(3_600)), 10);
    }

    #[test]
    fn holds_the_rate_however_often_it_is_asked() {
        let mut bucket = TokenBucket::new(1_000);
        let start = taken(&mut bucket, 2_000, Duration::ZERO);
        let micros = (0..2_000_000).step_by(37);
        let later = micros.filter(|at| bucket.take(Duration::from_micros(*at))).count();
        assert_eq!(start, 1_000);
        assert!((1_999..=2_000).contains(&later), "{later}");
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut bucket = TokenBucket::new(1);
        assert!(bucket.take(Duration::from_secs(10)));
        assert!(!bucket.take(Duration::from_secs(5)));
        assert!(!bucket.take(Duration::from_secs(10)));
        assert!(bucket.take(Duration::from_secs(11)));
    }
}
