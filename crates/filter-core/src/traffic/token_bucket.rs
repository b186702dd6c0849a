//! Rate limiting by a token bucket.

use std::time::Duration;

/// One token in the bucket's unit: at one token per second, each nanosecond adds one unit.
const TOKEN: u64 = 1_000_000_000;

/// A token bucket that holds at most one second's worth of tokens.
///
/// [`TokenBucket::to_bytes`] lets several workers share one bucket.
///
/// ```
/// use std::time::Duration;
/// use filter_core::TokenBucket;
///
/// let mut bucket = TokenBucket::new(1);
/// assert!(bucket.take(Duration::from_millis(0)));
/// assert!(!bucket.take(Duration::from_millis(999)));
/// assert!(bucket.take(Duration::from_millis(1_000)));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenBucket {
    per_second: u64,
    /// Remaining tokens, in billionths.
    level: u64,
    /// Time of the last refill, in nanoseconds.
    refilled: u64,
}

impl TokenBucket {
    /// Creates a full bucket that gains `per_second` tokens a second.
    #[must_use]
    pub const fn new(per_second: u32) -> Self {
        let per_second = per_second as u64;
        Self { per_second, level: per_second.saturating_mul(TOKEN), refilled: 0 }
    }

    /// Restores a bucket from [`TokenBucket::to_bytes`]; other bytes give a full bucket.
    #[must_use]
    pub fn from_bytes(per_second: u32, bytes: &[u8]) -> Self {
        let bucket = Self::new(per_second);
        let halves = bytes.split_first_chunk::<8>();
        let halves =
            halves.and_then(|(level, rest)| Some((level, <[u8; 8]>::try_from(rest).ok()?)));
        let Some((level, refilled)) = halves else { return bucket };
        Self { level: u64::from_le_bytes(*level), refilled: u64::from_le_bytes(refilled), ..bucket }
    }

    /// Returns the level and the time of the last refill as 16 bytes.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        [self.level.to_le_bytes(), self.refilled.to_le_bytes()].concat()
    }

    /// Takes one token at `now`, the time since any fixed point; returns `false` if there is none.
    ///
    /// A clock that jumps back adds no tokens, and the bucket refills from the new time on; one that
    /// jumps ahead fills the bucket once.
    pub fn take(&mut self, now: Duration) -> bool {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let full = self.per_second.saturating_mul(TOKEN);
        let gained = now.saturating_sub(self.refilled).saturating_mul(self.per_second);
        self.level = self.level.saturating_add(gained).min(full);
        self.refilled = now;
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
    fn holds_one_second() {
        let mut bucket = TokenBucket::new(10);
        assert_eq!(taken(&mut bucket, 100, Duration::ZERO), 10);
        assert_eq!(taken(&mut bucket, 100, Duration::from_millis(99)), 0);
        assert_eq!(taken(&mut bucket, 100, Duration::from_millis(100)), 1);
        assert_eq!(taken(&mut bucket, 100, Duration::from_secs(3_600)), 10);
    }

    #[test]
    fn passes_its_rate_at_any_request_rate() {
        let mut bucket = TokenBucket::new(1_000);
        let start = taken(&mut bucket, 2_000, Duration::ZERO);
        let micros = (0..2_000_000).step_by(37);
        let later = micros.filter(|at| bucket.take(Duration::from_micros(*at))).count();
        assert_eq!(start, 1_000);
        assert!((1_999..=2_000).contains(&later), "{later}");
    }

    #[test]
    fn a_shared_bucket_passes_its_rate() {
        let wall =
            |millis: u64| Duration::from_millis(1_700_000_000_000_u64.saturating_add(millis));
        for per_second in [1_u32, 7, 1_000] {
            let (mut shared, mut count) = (Vec::new(), 0);
            for milli in 0..3_000 {
                loop {
                    let mut bucket = TokenBucket::from_bytes(per_second, &shared);
                    if !bucket.take(wall(milli)) {
                        break;
                    }
                    shared = bucket.to_bytes();
                    count += 1;
                }
            }
            let exact = per_second * 4;
            assert!((exact - 1..=exact).contains(&count), "{per_second}: {count}");
        }
    }

    #[test]
    fn a_clock_that_jumps_fills_the_bucket_at_most_once() {
        let mut bucket = TokenBucket::new(2);
        assert_eq!(taken(&mut bucket, 9, Duration::from_secs(10)), 2);
        assert!(!bucket.take(Duration::from_secs(5)), "back");
        assert!(!bucket.take(Duration::ZERO), "back");
        assert_eq!(
            taken(&mut bucket, 9, Duration::from_secs(1)),
            2,
            "refills from the new time on"
        );
        assert_eq!(taken(&mut bucket, 9, Duration::MAX), 2);
    }

    #[test]
    fn decodes_invalid_bytes_as_a_full_bucket() {
        for bytes in [&[][..], &[1, 2, 3], &[0; 17]] {
            assert_eq!(TokenBucket::from_bytes(3, bytes), TokenBucket::new(3));
        }
        let mut bucket = TokenBucket::new(3);
        assert!(bucket.take(Duration::from_secs(9)));
        assert_eq!(TokenBucket::from_bytes(3, &bucket.to_bytes()), bucket);
    }
}
