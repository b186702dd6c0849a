//! Counters of the exporter.

use std::fmt;

use crate::export::otlp::Signal;

/// A counter of the exporter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Items that were built.
    Built,
    /// Items that a collector accepted.
    Sent,
    /// Items that a collector rejected in a partial success.
    Rejected,
    /// Items that were dropped.
    Dropped(Dropped),
    /// Requests, including retries.
    Requests,
    /// Retries of requests.
    Retries,
    /// Requests that failed.
    Failures(Failure),
}

/// Why an item was dropped. Discriminants are indexes into [`Metric::all`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dropped {
    /// The queue was full.
    Full = 5,
    /// Its request was retried for too long.
    Expired = 6,
    /// The collector refused its request.
    Refused = 7,
    /// It exceeds the maximum size of a request.
    Oversize = 8,
    /// Its provider is no longer configured.
    Reconfigured = 9,
}

/// Why a request failed. Discriminants are indexes into [`Metric::all`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The proxy does not know the cluster.
    UnknownCluster = 10,
    /// The collector is unreachable or unavailable.
    Unavailable = 11,
    /// The request timed out.
    Timeout = 12,
    /// The collector limits the rate of requests.
    Throttled = 13,
    /// The collector refused the request.
    Refused = 14,
}

impl Dropped {
    const ALL: [Self; 5] =
        [Self::Full, Self::Expired, Self::Refused, Self::Oversize, Self::Reconfigured];

    const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Oversize => "oversize",
            Self::Reconfigured => "reconfigured",
        }
    }
}

impl Failure {
    const ALL: [Self; 5] =
        [Self::UnknownCluster, Self::Unavailable, Self::Timeout, Self::Throttled, Self::Refused];

    const fn name(self) -> &'static str {
        match self {
            Self::UnknownCluster => "unknown_cluster",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::UnknownCluster => "the cluster is unknown",
            Self::Unavailable => "the collector is unavailable",
            Self::Timeout => "the request timed out",
            Self::Throttled => "the collector throttles requests",
            Self::Refused => "the collector refused the request",
        })
    }
}

impl Metric {
    /// Number of counters.
    pub(super) const COUNT: usize = 15;

    /// Returns every counter, in the order of [`Metric::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Built, Self::Sent, Self::Rejected, Self::Requests, Self::Retries]
            .into_iter()
            .chain(Dropped::ALL.map(Self::Dropped))
            .chain(Failure::ALL.map(Self::Failures))
    }

    /// Returns the index into [`Metric::all`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Built => 0,
            Self::Sent => 1,
            Self::Rejected => 2,
            Self::Requests => 3,
            Self::Retries => 4,
            Self::Dropped(reason) => reason as usize,
            Self::Failures(reason) => reason as usize,
        }
    }

    /// Returns the name of the metric; `None` for built log records, which the access log counts.
    ///
    /// If `is_labelled`, the reason is encoded as a label in the name, for Istio's stat tags.
    #[must_use]
    pub fn name(self, signal: Signal, is_labelled: bool) -> Option<String> {
        let items = match signal {
            Signal::Traces => "spans",
            Signal::Logs => "logs",
        };
        let (subject, reason) = match self {
            Self::Built if signal == Signal::Logs => return None,
            Self::Built => (format!("{items}_built"), None),
            Self::Sent => (format!("{items}_sent"), None),
            Self::Rejected => (format!("{items}_rejected"), None),
            Self::Dropped(reason) => (format!("{items}_dropped"), Some(reason.name())),
            Self::Requests => ("export_requests".to_owned(), None),
            Self::Retries => ("export_retries".to_owned(), None),
            Self::Failures(reason) => ("export_failures".to_owned(), Some(reason.name())),
        };
        Some(match reason {
            None => format!("weir_telemetry_{subject}_total"),
            Some(reason) if is_labelled => {
                format!("weir_telemetry_{subject}_total.reason=.={reason};.;")
            }
            Some(reason) => format!("weir_telemetry_{subject}_{reason}_total"),
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn indexes_follow_the_order_of_all() {
        let all: Vec<_> = Metric::all().collect();
        assert_eq!(all.len(), Metric::COUNT);
        for (index, metric) in all.into_iter().enumerate() {
            assert_eq!(metric.index(), index, "{metric:?}");
        }
    }

    #[test]
    fn names_carry_the_reason_in_the_name_or_as_a_label() {
        let full = Metric::Dropped(Dropped::Full);
        let failure = Metric::Failures(Failure::Timeout);
        for (metric, signal, is_labelled, name) in [
            (Metric::Built, Signal::Traces, true, "weir_telemetry_spans_built_total"),
            (full, Signal::Traces, false, "weir_telemetry_spans_dropped_full_total"),
            (full, Signal::Logs, true, "weir_telemetry_logs_dropped_total.reason=.=full;.;"),
            (failure, Signal::Logs, false, "weir_telemetry_export_failures_timeout_total"),
            (Metric::Requests, Signal::Logs, false, "weir_telemetry_export_requests_total"),
        ] {
            assert_eq!(metric.name(signal, is_labelled).as_deref(), Some(name));
        }
        assert_eq!(Metric::Built.name(Signal::Logs, false), None);
    }
}
