//! The metrics of the filter: a fixed set, whose names contain no data of requests.

use filter_core::label_value;

/// A counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Delayed streams.
    Delays,
    /// Requests aborted with a local reply.
    Aborts,
    /// Streams reset by an abort.
    Resets,
    /// Changed responses.
    Responses,
    /// Responses with a rate limit.
    RateLimits,
    /// Faults skipped because of `maxActiveFaults`.
    SkippedOverflow,
    /// Faults skipped because of `maxFaultsPerSecond`.
    SkippedBudget,
    /// Faults skipped because of the automatic stop.
    SkippedStopped,
    /// Streams that ended while they were held.
    Abandoned,
    /// Requests without the key of their entry's `consistentHash`.
    Unkeyed,
    /// Faults that `dryRun` prevented.
    DryRun,
    /// Failed host calls.
    Errors,
}

const PREFIX: &str = "weir_fault_injection_";

impl Metric {
    /// All counters, in the order of [`Metric::index`].
    pub const ALL: [Self; 12] = [
        Self::Delays,
        Self::Aborts,
        Self::Resets,
        Self::Responses,
        Self::RateLimits,
        Self::SkippedOverflow,
        Self::SkippedBudget,
        Self::SkippedStopped,
        Self::Abandoned,
        Self::Unkeyed,
        Self::DryRun,
        Self::Errors,
    ];

    /// Name of the gauge of held streams.
    pub const ACTIVE_GAUGE: &str = "weir_fault_injection_active";
    /// Name of the gauge of the automatic stop: 1 after it.
    pub const STOPPED_GAUGE: &str = "weir_fault_injection_stopped";
    /// Name of the histogram of delays in milliseconds.
    pub const DELAY_HISTOGRAM: &str = "weir_fault_injection_delay_ms";
    /// Name of the histogram of lateness in milliseconds: the time from the deadline of a held stream
    /// until it was resumed.
    pub const LATE_HISTOGRAM: &str = "weir_fault_injection_late_ms";

    /// Returns the index of the counter in [`Metric::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the name of the counter. The name of an entry becomes the label `rule`, in the form
    /// that Istio extracts as a stat tag.
    pub fn name(self, entry: Option<&str>) -> String {
        let label = entry
            .map(|entry| format!(".rule=.={};.;", label_value(entry.as_bytes())))
            .unwrap_or_default();
        format!("{PREFIX}{}_total{label}", self.stem())
    }

    const fn stem(self) -> &'static str {
        match self {
            Self::Delays => "delays",
            Self::Aborts => "aborts",
            Self::Resets => "resets",
            Self::Responses => "responses",
            Self::RateLimits => "rate_limits",
            Self::SkippedOverflow => "skipped_overflow",
            Self::SkippedBudget => "skipped_budget",
            Self::SkippedStopped => "skipped_stopped",
            Self::Abandoned => "abandoned",
            Self::Unkeyed => "unkeyed",
            Self::DryRun => "dry_run",
            Self::Errors => "errors",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names_are_unique_and_valid() {
        let names: BTreeSet<_> = Metric::ALL.map(|metric| metric.name(None)).into();
        assert_eq!(names.len(), Metric::ALL.len());
        let is_valid = |name: &String| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(names.iter().all(is_valid), "{names:?}");
    }

    #[test]
    fn the_entry_becomes_a_label() {
        assert_eq!(
            Metric::Delays.name(Some("checkout.slow")),
            "weir_fault_injection_delays_total.rule=.=checkout.slow;.;"
        );
    }

    #[test]
    fn indices_follow_the_order() {
        assert!(Metric::ALL.iter().enumerate().all(|(index, metric)| metric.index() == index));
    }
}
