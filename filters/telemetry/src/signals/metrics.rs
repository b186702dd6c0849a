//! Metrics of the traffic: which there are, what they are called, what a stream adds to them.
//!
//! A [`Plan`] holds the families of one listener direction. What a stream adds to a family is an
//! [`Family::observation`]; to which of its series, the values of its labels say.

mod cardinality_limit;
mod compile;
mod family;
mod interner;
mod label_source;
mod labelled_name;
mod plan;
mod standard;

pub(crate) use crate::signals::metrics::compile::is_labelled;
pub use crate::signals::metrics::compile::{CustomLabel, CustomMetric, Metrics};
pub use crate::signals::metrics::{
    cardinality_limit::{CardinalityLimit, Lookup, hash},
    family::{Family, Measurements, MetricKind, MetricSource},
    interner::Interner,
    label_source::{LabelSource, LabelValue, OTHER, OVERFLOW},
    labelled_name::LabelledName,
    plan::{Group, Plan},
    standard::{StandardMetric, StatusClass},
};

/// What names of metrics begin with, unless the document says otherwise.
pub(crate) const DEFAULT_PREFIX: &str = "weir_telemetry";
