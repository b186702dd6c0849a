//! Metrics of the traffic: which there are, what they are called, what a stream adds to them.
//!
//! A [`Plan`] holds the families of one listener direction. What a stream adds to a family is an
//! [`Family::observation`]; to which of its series, the values of its labels say.

mod family;
mod name;
mod plan;
mod slot;
mod standard;

pub use crate::metrics::{
    family::{Family, Kind, What},
    name::{Labelled, escaped},
    plan::{Group, Plan},
    slot::{LabelValue, Slot},
    standard::{Standard, StatusClass},
};
