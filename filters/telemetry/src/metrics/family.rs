//! A metric with all its series.

use crate::{
    metrics::{Standard, StatusClass},
    record::Record,
};

/// A kind of metric, as the proxy knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// What a family measures.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A standard metric.
    Standard(Standard),
    /// Streams of a class of statuses.
    Class(StatusClass),
}

/// A metric: its name, and a series for each combination of its labels' values.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The whole name, without labels.
    pub name: String,
    /// What kind of metric each series is.
    pub kind: Kind,
    /// What it measures.
    pub what: What,
}

impl Family {
    /// Returns what a stream adds at its end; `None` where it adds nothing.
    #[must_use]
    pub fn observation(&self, record: &Record, is_error: bool) -> Option<u64> {
        match &self.what {
            What::Standard(standard) => standard.observation(record, is_error),
            What::Class(class) => (StatusClass::of(record.status) == *class).then_some(1),
        }
    }
}
