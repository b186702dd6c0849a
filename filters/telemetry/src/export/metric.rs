//! What the exporter counts.

use std::fmt;

use crate::export::otlp::Signal;

/// A counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Items that were made.
    Built,
    /// Items that a collector has.
    Sent,
    /// Items that a collector threw away.
    Rejected,
    /// Items that no collector has.
    Dropped(Dropped),
    /// Requests, repeated ones included.
    Requests,
    /// Requests that were repeated.
    Retries,
    /// Requests that no collector took.
    Failures(Failure),
}

/// Why an item was dropped. The numbers are places in [`Metric::all`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dropped {
    /// The queue was full of newer ones.
    Full = 5,
    /// Its request was tried for too long.
    Expired = 6,
    /// The collector said no.
    Refused = 7,
    /// It fits in no request.
    Oversize = 8,
    /// Its provider is gone from the configuration.
    Reconfigured = 9,
}

/// Why a request was not taken. The numbers are places in [`Metric::all`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The proxy knows no such cluster.
    UnknownCluster = 10,
    /// Nobody answered, or not now.
    Unavailable = 11,
    /// The answer took too long.
    Timeout = 12,
    /// The collector asked to be spared.
    Throttled = 13,
    /// The collector said no.
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
            Self::Unavailable => "nobody takes them now",
            Self::Timeout => "the answer took too long",
            Self::Throttled => "the collector asks to be spared",
            Self::Refused => "the collector says no",
        })
    }
}

impl Metric {
    /// How many counters there are.
    pub(super) const COUNT: usize = 15;

    /// Every counter, each at the place of its index.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Built, Self::Sent, Self::Rejected, Self::Requests, Self::Retries]
            .into_iter()
            .chain(Dropped::ALL.map(Self::Dropped))
            .chain(Failure::ALL.map(Self::Failures))
    }

    /// Returns the place in the order of [`Metric::all`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Built => 0,
            Self::Sent => 1,
            Self::Rejected => 2,
            Self::Requests => 3,
            Self::Retries => 4,
            Self::Dropped(why) => why as usize,
            Self::Failures(why) => why as usize,
        }
    }

    /// Returns the counter's name; `None` for log records that were made, which others count too.
    ///
    /// With `labels` the reason stands as a label in the name, as Istio's tags want it.
    #[must_use]
    pub fn name(self, signal: Signal, labels: bool) -> Option<String> {
        let items = match signal {
            Signal::Traces => "spans",
            Signal::Logs => "logs",
        };
        let (what, reason) = match self {
            Self::Built if signal == Signal::Logs => return None,
            Self::Built => (format!("{items}_built"), None),
            Self::Sent => (format!("{items}_sent"), None),
            Self::Rejected => (format!("{items}_rejected"), None),
            Self::Dropped(why) => (format!("{items}_dropped"), Some(why.name())),
            Self::Requests => ("export_requests".to_owned(), None),
            Self::Retries => ("export_retries".to_owned(), None),
            Self::Failures(why) => ("export_failures".to_owned(), Some(why.name())),
        };
        Some(match reason {
            None => format!("weir_telemetry_{what}_total"),
            Some(reason) if labels => format!("weir_telemetry_{what}_total.reason=.={reason};.;"),
            Some(reason) => format!("weir_telemetry_{what}_{reason}_total"),
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn each_counter_is_at_its_place() {
        let all: Vec<_> = Metric::all().collect();
        assert_eq!(all.len(), Metric::COUNT);
        for (index, metric) in all.into_iter().enumerate() {
            assert_eq!(metric.index(), index, "{metric:?}");
        }
    }

    #[test]
    fn names_are_clean_or_carry_the_reason_as_a_label() {
        let full = Metric::Dropped(Dropped::Full);
        let failure = Metric::Failures(Failure::Timeout);
        for (metric, signal, labels, name) in [
            (Metric::Built, Signal::Traces, true, "weir_telemetry_spans_built_total"),
            (full, Signal::Traces, false, "weir_telemetry_spans_dropped_full_total"),
            (full, Signal::Logs, true, "weir_telemetry_logs_dropped_total.reason=.=full;.;"),
            (failure, Signal::Logs, false, "weir_telemetry_export_failures_timeout_total"),
            (Metric::Requests, Signal::Logs, false, "weir_telemetry_export_requests_total"),
        ] {
            assert_eq!(metric.name(signal, labels).as_deref(), Some(name));
        }
        assert_eq!(Metric::Built.name(Signal::Logs, false), None);
    }
}
