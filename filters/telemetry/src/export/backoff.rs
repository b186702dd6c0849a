//! Backoff after failed export requests.

use std::time::Duration;

const INITIAL_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(30);
/// Maximum delay that a server can request.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(5);

/// A jittered exponential backoff: a failure pauses all requests, then a single probe is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    /// Consecutive failures.
    pub(super) failures: u32,
    pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    since: Duration,
    until: Duration,
}

impl Backoff {
    /// Returns `true` if a request may be sent while `in_flight` others have no response yet.
    pub(super) fn allows(&self, now: Duration, in_flight: usize) -> bool {
        self.pause.is_none_or(|pause| now >= pause.until && now > pause.since && in_flight == 0)
    }

    /// Ends the pause, if the request that succeeded was sent after the failure.
    pub(super) fn reset(&mut self, sent_at: Duration) {
        if self.pause.is_none_or(|pause| sent_at > pause.since) {
            *self = Self::default();
        }
    }

    /// Starts a pause after a failure. Requests that were in flight together count as one failure.
    pub(super) fn trip(
        &mut self,
        sent_at: Duration,
        now: Duration,
        retry_after: Option<Duration>,
        random: u64,
    ) {
        let current = self.pause.filter(|pause| sent_at <= pause.since);
        if current.is_none() {
            self.failures = self.failures.saturating_add(1);
        }
        let until = now.saturating_add(delay(self.failures, retry_after, random));
        self.pause = Some(match current {
            Some(pause) => Pause { until: pause.until.max(until), ..pause },
            None => Pause { since: now, until },
        });
    }
}

/// Returns a random delay of up to 1 s, 2 s, 4 s, … 30 s, or the delay that the server requested if
/// that is longer, up to 5 minutes.
fn delay(failures: u32, retry_after: Option<Duration>, random: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let max = INITIAL_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY);
    jitter(max, random).max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
}

/// Returns a random part of `max`, in whole milliseconds.
fn jitter(max: Duration, random: u64) -> Duration {
    let millis = u64::try_from(max.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    let part = u128::from(random).saturating_mul(u128::from(millis)) >> 64;
    Duration::from_millis(u64::try_from(part).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn doubles_from_1_to_30_seconds() {
        for (failures, max) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (u32::MAX, 30)] {
            assert_eq!(delay(failures, None, u64::MAX), Duration::from_secs(max));
            assert_eq!(delay(failures, None, 0), Duration::ZERO);
        }
        assert_eq!(delay(1, None, u64::MAX / 2), Duration::from_millis(500));
    }

    #[test]
    fn a_longer_delay_of_the_server_is_used_without_jitter() {
        let retry_after = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(delay(1, retry_after(7), u64::MAX), Duration::from_secs(7));
        assert_eq!(delay(6, retry_after(7), u64::MAX), Duration::from_secs(30));
        assert_eq!(delay(1, retry_after(86_400), 0), Duration::from_secs(300));
    }
}
