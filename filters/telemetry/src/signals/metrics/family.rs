//! Metric families.

use crate::{
    signals::metrics::{StandardMetric, StatusClass},
    stream::record::Record,
};

/// A kind of Envoy metric.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MetricKind {
    /// A number that only grows.
    #[default]
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// The source of a family's observations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricSource {
    /// A standard metric.
    Standard(StandardMetric),
    /// Streams with a class of status codes.
    Class(StatusClass),
    /// Streams that the objective with this index covers.
    SloTotal(usize),
    /// Good streams of the objective with this index.
    SloGood(usize),
    /// The custom metric with this index.
    Definition(usize),
}

/// A metric with a series for each combination of label values.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The full name without labels.
    pub name: String,
    /// The kind of the metric.
    pub kind: MetricKind,
    /// The source of its observations.
    pub source: MetricSource,
    /// Maximum number of series, including the overflow series.
    pub max_series: usize,
}

/// Results for a completed stream that are not part of its record.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    /// Whether the stream is an error.
    pub is_error: bool,
    /// For each objective, whether the stream was good; `None` if it is not covered.
    pub slos: Vec<Option<bool>>,
    /// For each custom metric, the number of the stream; `None` if it adds nothing.
    pub definitions: Vec<Option<u64>>,
}

impl Family {
    /// Returns the number that a completed stream adds; `None` if it adds nothing.
    #[must_use]
    pub fn observation(&self, record: &Record, measurements: &Measurements) -> Option<u64> {
        let slo = |index: usize| measurements.slos.get(index).copied().flatten();
        match self.source {
            MetricSource::Standard(standard) => standard.observation(record, measurements.is_error),
            MetricSource::Class(class) => (StatusClass::of(record.status) == class).then_some(1),
            MetricSource::SloTotal(index) => slo(index).map(|_| 1),
            MetricSource::SloGood(index) => slo(index).filter(|is_good| *is_good).map(|_| 1),
            MetricSource::Definition(index) => {
                measurements.definitions.get(index).copied().flatten()
            }
        }
    }
}
