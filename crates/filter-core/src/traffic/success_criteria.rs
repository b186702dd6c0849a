//! When too many answers are errors: a sliding count that several workers can share.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{DurationWithin, IntegerWithin, Percentage};

mod error_window;

/// How many answers may be errors before something is stopped.
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
pub struct SuccessCriteria {
    /// The share of errors that is still well.
    pub max_error_rate: Percentage,
    /// How many answers there must be in the window before a share is looked at; 100 if absent.
    #[serde(default)]
    pub min_request_count: Option<IntegerWithin<1, 1_000_000>>,
    /// How far back answers count; the filter has a default.
    #[serde(default)]
    pub window: Option<DurationWithin<5_000, 3_600_000>>,
}

/// Criteria with a window, ready to count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Guard {
    max_error_rate: Percentage,
    min_request_count: u64,
    /// The length of one bucket, never zero.
    bucket_ms: u64,
}

/// What was counted in a sliding window, and whether it was too bad once.
///
/// It is of one size whatever is counted, and travels as bytes between workers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ErrorWindow {
    tripped: bool,
    buckets: [Bucket; BUCKETS],
}

/// The answers of a window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ErrorCounts {
    /// All answers.
    pub total: u64,
    /// Those that were errors.
    pub errors: u64,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Bucket {
    /// Its place in time, counted in lengths of a bucket.
    number: u64,
    total: u32,
    errors: u32,
}

/// The buckets of a window: the count reaches back between 9 and 10 tenths of it.
const BUCKETS: usize = 10;

impl SuccessCriteria {
    /// Makes them ready; `window` is used where none is configured.
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
    /// Counts one answer at `now`, any clock's time since its zero.
    ///
    /// Returns what the window holds when this answer is the one that trips the guard.
    pub fn record(
        &self,
        window: &mut ErrorWindow,
        now: Duration,
        is_error: bool,
    ) -> Option<ErrorCounts> {
        let number = self.number(now);
        window.add(number, is_error);
        let counted = window.counted(number);
        if window.tripped || !self.is_exceeded(counted) {
            return None;
        }
        window.tripped = true;
        Some(counted)
    }

    /// Returns what the window that ends at `now` holds.
    #[must_use]
    pub fn counted(&self, window: &ErrorWindow, now: Duration) -> ErrorCounts {
        window.counted(self.number(now))
    }

    fn number(&self, now: Duration) -> u64 {
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        millis.checked_div(self.bucket_ms).unwrap_or_default()
    }

    fn is_exceeded(&self, counted: ErrorCounts) -> bool {
        let allowed = u64::from(self.max_error_rate.parts_per_million());
        let errors = counted.errors.saturating_mul(1_000_000);
        counted.total >= self.min_request_count && errors > counted.total.saturating_mul(allowed)
    }
}

#[cfg(test)]
mod tests;
