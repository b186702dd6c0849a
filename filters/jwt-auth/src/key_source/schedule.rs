//! When to fetch again.

use std::time::Duration;

const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// Returns how long a good answer stands before the next fetch: 80 % of its freshness, of which up
/// to a tenth is taken off at random so that proxies do not ask in step.
pub(super) fn renewal(freshness: Duration, random: u64) -> Duration {
    share(freshness, 80, 100).saturating_sub(share(freshness, random % 81, 1_000))
}

/// Returns how long to wait after the `failures`th failure in a row: 1 s, doubled each time up to
/// 60 s, of which a random 50 to 100 %.
pub(super) fn back_off(failures: u64, random: u64) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let whole = FIRST_BACK_OFF.saturating_mul(2_u32.saturating_pow(doublings));
    share(whole.min(MAX_BACKOFF), 500_u64.saturating_add(random % 501), 1_000)
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
    fn renewal_comes_between_72_and_80_percent() {
        assert_eq!(renewal(MINUTE, 0), Duration::from_secs(48));
        assert_eq!(renewal(MINUTE, 80), Duration::from_millis(43_200));
        for random in [1, 1_000, u64::MAX] {
            let pause = renewal(MINUTE, random);
            assert!((43_200..=48_000).contains(&pause.as_millis()), "{pause:?}");
        }
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        for (failures, seconds) in
            [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u64::MAX, 60)]
        {
            let longest = Duration::from_secs(seconds);
            assert_eq!(back_off(failures, 500), longest, "{failures}");
            assert_eq!(back_off(failures, 0), longest / 2, "{failures}");
        }
    }
}
