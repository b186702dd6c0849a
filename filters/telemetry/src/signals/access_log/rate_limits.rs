//! Rate limits of an access log in a worker.

use std::time::Duration;

use super::LogReason;
use filter_core::TokenBucket;

/// Separate rate limits for sampled streams and for `always`, so that sampled streams cannot
/// displace errors.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    sampled: TokenBucket,
    always: TokenBucket,
}

impl RateLimits {
    /// Allows `per_second` lines per second for each reason.
    #[must_use]
    pub const fn new(per_second: u32) -> Self {
        let bucket = TokenBucket::new(per_second);
        Self { sampled: bucket, always: bucket }
    }

    /// Returns `true` if a line may be written at `now`, the time of a monotonic clock.
    pub fn allow(&mut self, reason: LogReason, now: Duration) -> bool {
        match reason {
            LogReason::Sampled => self.sampled.take(now),
            LogReason::Always => self.always.take(now),
        }
    }
}
