//! The filter's metrics.

use std::collections::BTreeMap;

use filter_host::metrics::{Counter, Gauge, Histogram};

use crate::{Metric, Policy};

/// Every metric, defined once.
pub(super) struct Counters {
    plain: Vec<Counter>,
    labelled: BTreeMap<String, Vec<Counter>>,
    /// How many streams are held.
    pub(super) active: Gauge,
    /// Whether the pod has stopped by itself.
    pub(super) stopped: Gauge,
    /// Delays, in milliseconds.
    pub(super) delay: Histogram,
    /// Lateness, in milliseconds.
    pub(super) late: Histogram,
}

impl Counters {
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
            delay: Histogram::define(Metric::DELAY_HISTOGRAM),
            late: Histogram::define(Metric::LATE_HISTOGRAM),
        }
    }

    /// Adds one to a counter: to that of the label, where there is one.
    pub(super) fn count(&self, metric: Metric, label: Option<&str>) {
        let labelled = label.and_then(|label| self.labelled.get(label));
        if let Some(counter) = labelled.unwrap_or(&self.plain).get(metric.index()) {
            counter.increment();
        }
    }
}
