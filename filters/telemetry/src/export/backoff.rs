//! How long a provider is left alone after a failure.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const MAX_LEN: Duration = Duration::from_secs(30);
/// The longest that a server may ask for.
const MAX_ASKED: Duration = Duration::from_mins(5);

/// Returns the pause after so many failures in a row: a random part of 1 s, 2 s, … 30 s, or what
/// the server asked for where that is longer, at most 5 minutes.
pub(super) fn pause(failures: u32, asked: Option<Duration>, random: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = FIRST.saturating_mul(1 << doublings).min(MAX_LEN);
    let own = share(ceiling, random);
    own.max(asked.unwrap_or_default().min(MAX_ASKED))
}

/// Takes a random part of `whole`, in milliseconds.
fn share(whole: Duration, random: u64) -> Duration {
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    let part = u128::from(random).saturating_mul(u128::from(millis)) >> 64;
    Duration::from_millis(u64::try_from(part).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn doubles_from_one_second_to_thirty() {
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (u32::MAX, 30)] {
            assert_eq!(pause(failures, None, u64::MAX), Duration::from_secs(longest));
            assert_eq!(pause(failures, None, 0), Duration::ZERO);
        }
        assert_eq!(pause(1, None, u64::MAX / 2), Duration::from_millis(500));
    }

    #[test]
    fn a_longer_wish_of_the_server_is_kept_exactly() {
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pause(1, asked(7), u64::MAX), Duration::from_secs(7));
        assert_eq!(pause(6, asked(7), u64::MAX), Duration::from_secs(30));
        assert_eq!(pause(1, asked(86_400), 0), Duration::from_secs(300));
    }
}
