//! How many lines of one entry a worker may write.

use std::time::Duration;

use super::LogReason;
use filter_core::TokenBucket;

/// Two limits of the same size, so that a flood of ordinary lines hides no error.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    share: TokenBucket,
    always: TokenBucket,
}

impl RateLimits {
    /// Allows so many lines a second for each reason.
    #[must_use]
    pub const fn new(per_second: u32) -> Self {
        let bucket = TokenBucket::new(per_second);
        Self { share: bucket, always: bucket }
    }

    /// Says whether one more line may be written at `now`, by a clock that never goes back.
    pub fn allow(&mut self, reason: LogReason, now: Duration) -> bool {
        match reason {
            LogReason::Sampled => self.share.take(now),
            LogReason::Always => self.always.take(now),
        }
    }
}
