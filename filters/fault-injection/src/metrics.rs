//! The counters and gauges of the filter: a closed set, nothing from a request among them.

use filter_core::label_value;

/// Names a counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Streams delayed.
    Delays,
    /// Requests answered instead of the upstream.
    Aborts,
    /// Streams reset on purpose.
    Resets,
    /// Responses changed.
    Responses,
    /// Responses slowed down.
    RateLimits,
    /// Faults left out because as many streams as allowed are held.
    SkippedOverflow,
    /// Faults left out because enough have begun in this second.
    SkippedBudget,
    /// Faults left out because the pod has stopped by itself.
    SkippedStopped,
    /// Streams that ended while they were held.
    Abandoned,
    /// Requests without the key that their entry asks for.
    Unkeyed,
    /// Faults that only `dryRun` kept from happening.
    DryRun,
    /// Calls that the proxy did not answer.
    Errors,
}

const PREFIX: &str = "weir_fault_injection_";

impl Metric {
    /// Every counter, in the order of [`Metric::index`].
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

    /// The gauge of how many streams are held.
    pub const ACTIVE_GAUGE: &str = "weir_fault_injection_active";
    /// The gauge of whether the pod has stopped by itself.
    pub const STOPPED_GAUGE: &str = "weir_fault_injection_stopped";
    /// The histogram of delays, in milliseconds.
    pub const DELAY_HISTOGRAM: &str = "weir_fault_injection_delay_ms";
    /// The histogram of how late held streams went on, in milliseconds.
    pub const LATE_HISTOGRAM: &str = "weir_fault_injection_late_ms";

    /// Returns the place of the counter among [`Metric::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the counter's name; that of an entry is a label, in the form that Istio's
    /// `extraStatTags` reads.
    pub fn name(self, entry: Option<&str>) -> String {
        let label = entry
            .map(|entry| format!(".rule=.={};.;", label_value(entry.as_bytes())))
            .unwrap_or_default();
        format!("{PREFIX}{}_total{label}", self.word())
    }

    const fn word(self) -> &'static str {
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
    fn names_are_unique_and_clean() {
        let names: BTreeSet<_> = Metric::ALL.map(|metric| metric.name(None)).into();
        assert_eq!(names.len(), Metric::ALL.len());
        let clean = |name: &String| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(names.iter().all(clean), "{names:?}");
    }

    #[test]
    fn an_entry_is_a_label() {
        assert_eq!(
            Metric::Delays.name(Some("checkout.slow")),
            "weir_fault_injection_delays_total.rule=.=checkout.slow;.;"
        );
    }

    #[test]
    fn indices_follow_the_order() {
        assert!(Metric::ALL.iter().enumerate().all(|(place, metric)| metric.index() == place));
    }
}
