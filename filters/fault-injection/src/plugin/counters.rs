//! The metrics of the filter.

use std::collections::BTreeMap;

use filter_host::metrics::{Counter, DurationHistogram, Gauge};

use crate::{Metric, Policy};

/// All metrics.
pub(super) struct Counters {
    /// Indexed by [`Metric::index`].
    plain: Vec<Counter>,
    /// By label, then as `plain`.
    labelled: BTreeMap<String, Vec<Counter>>,
    /// Number of held streams.
    pub(super) active: Gauge,
    /// 1 after the automatic stop.
    pub(super) stopped: Gauge,
    /// Delays in milliseconds.
    pub(super) delay: DurationHistogram,
    /// Lateness in milliseconds.
    pub(super) late: DurationHistogram,
}

impl Counters {
    /// Defines the metrics.
    pub(super) fn define(policy: &Policy) -> Self {
        let define = |label: Option<&str>| -> Vec<Counter> {
            Metric::ALL.iter().map(|metric| Counter::define(&metric.name(label))).collect()
        };
        let labels = policy.labels().into_iter();
        Self {
            plain: define(None),
            labelled: labels.map(|label| (label.to_owned(), define(Some(label)))).collect(),
            active: Gauge::define(Metric::ACTIVE_GAUGE),
            stopped: Gauge::define(Metric::STOPPED_GAUGE),
            delay: DurationHistogram::define(Metric::DELAY_HISTOGRAM),
            late: DurationHistogram::define(Metric::LATE_HISTOGRAM),
        }
    }

    /// Increments a counter, the one with the label if it exists.
    pub(super) fn count(&self, metric: Metric, label: Option<&str>) {
        let labelled = label.and_then(|label| self.labelled.get(label));
        if let Some(counter) = labelled.unwrap_or(&self.plain).get(metric.index()) {
            counter.increment();
        }
    }
}
