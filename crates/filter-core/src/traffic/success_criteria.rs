//! Error rates in a sliding window that several workers can share.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{DurationWithin, IntegerWithin, Percentage};

mod error_window;

/// The error rate above which something is stopped.
///
/// ```
/// use std::time::Duration;
/// use filter_core::{SuccessCriteria, ErrorWindow};
///
/// let criteria: SuccessCriteria =
///     serde_json::from_str(r#"{"maxErrorRate": {"value": 1}, "minRequestCount": 100}"#)?;
/// let guard = criteria.guard(Duration::from_secs(60));
/// let mut window = ErrorWindow::default();
/// for number in 0..100 {
///     guard.record(&mut window, Duration::from_secs(1_000), number < 2);
/// }
/// assert!(window.is_tripped());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("examples" = [{"maxErrorRate": {"value": 1}, "minRequestCount": 100}]))]
pub struct SuccessCriteria {
    /// Maximum share of errors among the responses in the window.
    pub max_error_rate: Percentage,
    /// Minimum number of responses in the window before the error rate is evaluated. Default: 100.
    #[serde(default)]
    pub min_request_count: Option<IntegerWithin<1, 1_000_000>>,
    /// Length of the sliding window. The default depends on the filter.
    #[serde(default)]
    pub window: Option<DurationWithin<5_000, 3_600_000>>,
}

/// Success criteria with a window length, which evaluate an [`ErrorWindow`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Guard {
    max_error_rate: Percentage,
    min_request_count: u64,
    /// Length of one bucket, never zero.
    bucket_ms: u64,
}

/// The responses and errors in a sliding window, and whether the guard has tripped.
///
/// Has a fixed size, and can be converted to bytes and shared between workers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ErrorWindow {
    tripped: bool,
    buckets: [Bucket; BUCKETS],
}

/// The responses in a window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ErrorCounts {
    /// Number of responses.
    pub total: u64,
    /// Number of errors among them.
    pub errors: u64,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Bucket {
    /// Time since the epoch of the clock, in bucket lengths.
    number: u64,
    total: u32,
    errors: u32,
}

/// Number of buckets: the window covers between 9 and 10 tenths of its length.
const BUCKETS: usize = 10;

impl SuccessCriteria {
    /// Creates a guard; `window` is the default length of the window.
    #[must_use]
    pub fn guard(&self, window: Duration) -> Guard {
        let window = self.window.map_or(window, DurationWithin::get);
        let bucket = window.as_millis().checked_div(BUCKETS as u128).unwrap_or_default();
        Guard {
            max_error_rate: self.max_error_rate,
            min_request_count: self.min_request_count.map_or(100, IntegerWithin::get),
            bucket_ms: u64::try_from(bucket).unwrap_or(u64::MAX).max(1),
        }
    }
}

impl Guard {
    /// Counts a response at `now`, the time since the epoch of any clock.
    ///
    /// Returns the counts of the window if this response trips the guard.
    pub fn record(
        &self,
        window: &mut ErrorWindow,
        now: Duration,
        is_error: bool,
    ) -> Option<ErrorCounts> {
        let number = self.number(now);
        window.add(number, is_error);
        let counts = window.counts(number);
        if window.tripped || !self.is_exceeded(counts) {
            return None;
        }
        window.tripped = true;
        Some(counts)
    }

    /// Returns the counts of the window that ends at `now`.
    #[must_use]
    pub fn counts(&self, window: &ErrorWindow, now: Duration) -> ErrorCounts {
        window.counts(self.number(now))
    }

    fn number(&self, now: Duration) -> u64 {
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        millis.checked_div(self.bucket_ms).unwrap_or_default()
    }

    fn is_exceeded(&self, counts: ErrorCounts) -> bool {
        let allowed = u64::from(self.max_error_rate.parts_per_million());
        let errors = counts.errors.saturating_mul(1_000_000);
        counts.total >= self.min_request_count && errors > counts.total.saturating_mul(allowed)
    }
}

#[cfg(test)]
mod tests;
