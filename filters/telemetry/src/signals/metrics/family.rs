//! A metric with all its series.

use crate::{
    signals::metrics::{StandardMetric, StatusClass},
    stream::record::Record,
};

/// A kind of metric, as the proxy knows it.
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

/// What a family measures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricSource {
    /// A standard metric.
    Standard(StandardMetric),
    /// Streams of a class of statuses.
    Class(StatusClass),
    /// Streams that the objective in this place is about.
    SloTotal(usize),
    /// Those of them that were good.
    SloGood(usize),
    /// The definition of the document in this place.
    Definition(usize),
}

/// A metric: its name, and a series for each combination of its labels' values.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The whole name, without labels.
    pub name: String,
    /// What kind of metric each series is.
    pub kind: MetricKind,
    /// What it measures.
    pub source: MetricSource,
    /// How many series it may have, the one for everything beyond among them.
    pub max_series: usize,
}

/// What a stream was found to be, beside what is recorded of it.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    /// Whether it is an error.
    pub is_error: bool,
    /// For each objective, whether the stream was good; `None` where it is not about it.
    pub slos: Vec<Option<bool>>,
    /// For each definition, its number; `None` where the stream adds none.
    pub definitions: Vec<Option<u64>>,
}

impl Family {
    /// Returns what a stream adds at its end; `None` where it adds nothing.
    #[must_use]
    pub fn observation(&self, record: &Record, measurements: &Measurements) -> Option<u64> {
        let slo = |place: usize| measurements.slos.get(place).copied().flatten();
        match self.source {
            MetricSource::Standard(standard) => standard.observation(record, measurements.is_error),
            MetricSource::Class(class) => (StatusClass::of(record.status) == class).then_some(1),
            MetricSource::SloTotal(place) => slo(place).map(|_| 1),
            MetricSource::SloGood(place) => slo(place).filter(|is_good| *is_good).map(|_| 1),
            MetricSource::Definition(place) => {
                measurements.definitions.get(place).copied().flatten()
            }
        }
    }
}
