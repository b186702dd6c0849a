//! Times of the next fetch.

use std::time::Duration;

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// Returns the delay of the next fetch after a success: 80 % of the freshness, minus a random 0 to
/// 8 % of it, so that proxies do not fetch at the same time.
#[must_use]
pub fn renewal(freshness: Duration, random: u64) -> Duration {
    share(freshness, 80, 100).saturating_sub(share(freshness, random % 81, 1_000))
}

/// Returns the delay of the next fetch after a number of consecutive failures: 1 s, doubled each
/// time up to 60 s, of which a random 50 to 100 %.
#[must_use]
pub fn backoff(failures: u64, random: u64) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let full = FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(doublings));
    share(full.min(MAX_BACKOFF), 500_u64.saturating_add(random % 501), 1_000)
}

fn share(whole: Duration, part: u64, of: u64) -> Duration {
    let millis = whole.as_millis().saturating_mul(part.into()).checked_div(of.into());
    Duration::from_millis(millis.and_then(|millis| millis.try_into().ok()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn renews_after_72_to_80_percent_of_the_freshness() {
        assert_eq!(renewal(MINUTE, 0), Duration::from_secs(48));
        assert_eq!(renewal(MINUTE, 80), Duration::from_millis(43_200));
        for random in [1, 1_000, u64::MAX] {
            let pause = renewal(MINUTE, random);
            assert!((43_200..=48_000).contains(&pause.as_millis()), "{pause:?}");
        }
    }

    #[test]
    fn backoff_doubles_up_to_a_minute() {
        for (failures, seconds) in
            [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u64::MAX, 60)]
        {
            let max = Duration::from_secs(seconds);
            assert_eq!(backoff(failures, 500), max, "{failures}");
            assert_eq!(backoff(failures, 0), max / 2, "{failures}");
        }
    }
}
