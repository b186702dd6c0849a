//! The metrics of the filter: a fixed set whose names contain no data of requests.

use filter_core::{label_value, metric_name_part};

/// A counter of the filter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Admitted requests with at least one limit.
    Allowed,
    /// Refused requests, including those that passed because of `dryRun`.
    Denied,
    /// Requests admitted with less than a fifth of the units left.
    NearLimit,
    /// Requests held until their turn.
    Waited,
    /// Refusals that `dryRun` or `enforced` prevented.
    DryRun,
    /// Limits whose key the request lacked.
    MissingKey,
    /// Keys that lost their counts because their page was full.
    Evictions,
    /// Requests admitted without being counted because their page was full.
    Untracked,
    /// Requests admitted without being counted because of contention.
    Contended,
    /// Calls to the rate-limit service.
    ServiceCalls,
    /// Calls to the rate-limit service that failed, or that the proxy refused.
    ServiceErrors,
    /// Calls not made because the service is down.
    ServiceSkipped,
    /// Failed host calls.
    Errors,
}

/// A counter of a limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LimitMetric {
    /// Requests that the limit admitted.
    Allowed,
    /// Requests over the limit.
    Denied,
}

const PREFIX: &str = "weir_rate_limit_";

impl Metric {
    /// All counters, in the order of [`Metric::index`].
    pub const ALL: [Self; 13] = [
        Self::Allowed,
        Self::Denied,
        Self::NearLimit,
        Self::Waited,
        Self::DryRun,
        Self::MissingKey,
        Self::Evictions,
        Self::Untracked,
        Self::Contended,
        Self::ServiceCalls,
        Self::ServiceErrors,
        Self::ServiceSkipped,
        Self::Errors,
    ];

    /// Name of the gauge of held requests.
    pub const WAITING_GAUGE: &str = "weir_rate_limit_waiting";
    /// Name of the gauge of workers for which the rate-limit service is down.
    pub const SERVICE_DOWN_GAUGE: &str = "weir_rate_limit_service_down";
    /// Name of the histogram of the time until the service answered, in milliseconds.
    pub const SERVICE_HISTOGRAM: &str = "weir_rate_limit_service_ms";
    /// Name of the histogram of the time until the turn of held requests, in milliseconds.
    pub const WAIT_HISTOGRAM: &str = "weir_rate_limit_wait_ms";

    /// Returns the index of the counter in [`Metric::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the name of the counter.
    #[must_use]
    pub fn name(self) -> String {
        let stem = match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::NearLimit => "near_limit",
            Self::Waited => "waited",
            Self::DryRun => "dry_run",
            Self::MissingKey => "missing_key",
            Self::Evictions => "evictions",
            Self::Untracked => "untracked",
            Self::Contended => "contended",
            Self::ServiceCalls => "service_calls",
            Self::ServiceErrors => "service_errors",
            Self::ServiceSkipped => "service_skipped",
            Self::Errors => "errors",
        };
        format!("{PREFIX}{stem}_total")
    }
}

impl LimitMetric {
    /// Both counters.
    pub const ALL: [Self; 2] = [Self::Allowed, Self::Denied];

    /// Returns the name of the counter of a limit. With `is_label`, the limit is a label in the
    /// form that Istio extracts as a stat tag.
    #[must_use]
    pub fn name(self, limit: &str, is_label: bool) -> String {
        let stem = match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        };
        if is_label {
            let value = label_value(limit.as_bytes());
            format!("{PREFIX}limit_{stem}_total.limit=.={value};.;")
        } else {
            format!("{PREFIX}limit_{}_{stem}_total", metric_name_part(limit))
        }
    }
}

/// Returns the name of the gauge of concurrent requests of a limit.
///
/// It contains the name of the plugin, because gauges with equal names are one number in the proxy.
/// Both names are unchanged: otherwise `a` with `b-c` and `a-b` with `c` would have one gauge.
pub(crate) fn active_gauge(plugin: &str, limit: &str) -> String {
    format!("{PREFIX}active_{plugin}_{limit}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names_are_unique_and_valid() {
        let names: BTreeSet<_> = Metric::ALL.map(Metric::name).into();
        assert_eq!(names.len(), Metric::ALL.len());
        let is_valid = |name: &String| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(names.iter().all(is_valid), "{names:?}");
        assert!(Metric::ALL.iter().enumerate().all(|(index, metric)| metric.index() == index));
    }

    #[test]
    fn the_limit_is_in_the_name_or_a_label() {
        let name = |is_label| LimitMetric::Denied.name("per-user", is_label);
        assert_eq!(name(false), "weir_rate_limit_limit_per_user_denied_total");
        assert_eq!(name(true), "weir_rate_limit_limit_denied_total.limit=.=per-user;.;");
        assert_eq!(
            active_gauge("shop.limits", "large-uploads"),
            "weir_rate_limit_active_shop.limits_large-uploads"
        );
    }
}
