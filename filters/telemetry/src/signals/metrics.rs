//! Metrics of the traffic: their names, labels and observations.
//!
//! A [`Plan`] contains the families of one listener direction. [`Family::observation`] is the
//! number that a stream adds to a family, in the series with the label values of the stream.

mod cardinality_limit;
mod compile;
mod family;
mod interner;
mod label_source;
mod labelled_name;
mod plan;
mod standard_metric;

pub(crate) use crate::signals::metrics::compile::is_labelled;
pub use crate::signals::metrics::compile::{CustomLabel, CustomMetric, Metrics};
pub use crate::signals::metrics::{
    cardinality_limit::{CardinalityLimit, Lookup, hash},
    family::{Family, Measurements, MetricKind, MetricSource},
    interner::Interner,
    label_source::{LabelSource, LabelValue, OTHER, OVERFLOW},
    labelled_name::LabelledName,
    plan::{Group, Plan},
    standard_metric::{StandardMetric, StatusClass},
};

/// The default prefix of metric names.
pub(crate) const DEFAULT_PREFIX: &str = "weir_telemetry";
