//! Checks of admissions against the limit, for any interval between them.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use tests::load::TimedResponse;

/// Approximate maximum of the starts from which intervals are checked.
const MAX_STARTS: usize = 2_000;

/// The numbers of a limit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Numbers {
    /// A token bucket: units per second, and its depth.
    TokenBucket { rate: f64, burst: f64 },
    /// A sliding window: units in every interval of this length.
    Sliding { requests: usize, per: Duration },
}

impl Numbers {
    /// Returns the maximum number of admissions in a time.
    pub(super) fn max(self, time: Duration) -> f64 {
        match self {
            Self::TokenBucket { rate, burst } => burst + rate * time.as_secs_f64(),
            Self::Sliding { requests, per } => {
                requests as f64 * (time.as_secs_f64() / per.as_secs_f64()).ceil()
            }
        }
    }

    /// Returns the number of admissions in a time in which there are always more requests.
    pub(super) fn min(self, time: Duration) -> f64 {
        match self {
            Self::TokenBucket { .. } => self.max(time),
            // Units are free again up to an eighth of the window late, each time.
            Self::Sliding { requests, per } => {
                let windows = (time.as_secs_f64() / (per.as_secs_f64() * 1.125)).floor();
                requests as f64 * (1.0 + windows)
            }
        }
    }
}

/// Fails if more requests were admitted in any interval than the limit allows.
///
/// A request was admitted between its start and its end, so an interval from one start to one end
/// contains the admissions of all requests that began and ended in it.
pub(super) fn assert_never_over(responses: &[&TimedResponse], numbers: Numbers) {
    let end = |response: &TimedResponse| {
        response.started.checked_add(response.elapsed).unwrap_or(response.started)
    };
    let mut admitted: Vec<_> = responses
        .iter()
        .filter(|response| response.status == 200)
        .map(|response| (end(response), response.started))
        .collect();
    admitted.sort_unstable();
    for (_, start) in admitted.iter().step_by(admitted.len().div_ceil(MAX_STARTS).max(1)) {
        let mut count = 0.0;
        for (end, _) in admitted.iter().filter(|(_, started)| started >= start) {
            count += 1.0;
            let time = end.duration_since(*start).unwrap_or_default();
            let max = numbers.max(time);
            assert!(count <= max, "{count} admissions in {time:?}, at most {max}: {numbers:?}");
        }
    }
}

/// Returns the time from the end of the first response to the start of the last request.
pub(super) fn saturated(responses: &[&TimedResponse]) -> Duration {
    let first = responses.iter().filter_map(|one| one.started.checked_add(one.elapsed)).min();
    let last = responses.iter().map(|one| one.started).max();
    let time = |first, last: SystemTime| last.duration_since(first).unwrap_or_default();
    first.zip(last).map(|(first, last)| time(first, last)).unwrap_or_default()
}

/// Groups responses by the number of their request.
pub(super) fn group<K: Ord>(
    responses: &[TimedResponse],
    key: impl Fn(u64) -> K,
) -> BTreeMap<K, Vec<&TimedResponse>> {
    let mut groups = BTreeMap::<K, Vec<&TimedResponse>>::new();
    for response in responses {
        groups.entry(key(response.number)).or_default().push(response);
    }
    groups
}
