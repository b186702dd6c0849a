//! Metrics of the traffic: which there are, what they are called, what a stream adds to them.
//!
//! A [`Plan`] holds the families of one listener direction. What a stream adds to a family is an
//! [`Family::observation`]; to which of its series, the values of its labels say.

mod admission;
mod compile;
mod family;
mod interner;
mod label_source;
mod name;
mod plan;
mod standard;

pub(crate) use crate::signals::metrics::compile::is_labelled;
pub use crate::signals::metrics::compile::{Metrics, OwnLabel, OwnMetric};
pub use crate::signals::metrics::{
    admission::{Admission, Known, hash},
    family::{Family, Findings, Kind, What},
    interner::Interner,
    label_source::{FOLDED, LabelSource, LabelValue, OTHER},
    name::Labelled,
    plan::{Group, Plan},
    standard::{Standard, StatusClass},
};

/// What names of metrics begin with, unless the document says otherwise.
pub(crate) const DEFAULT_PREFIX: &str = "weir_telemetry";
