//! Allows, denies and audits requests by AuthorizationPolicy.
//!
//! The crate only decides: it reads no clock, shares no state and calls no proxy. The plugin does
//! the rest:
//!
//! 1. On configuration, it parses a [`Config`] with [`parse_config`](filter_core::parse_config) and
//!    compiles it with [`Policies::new`].
//! 2. For each request, it reads the inputs in [`Policies::needs`], calls [`Policies::decide`], and
//!    sends [`Policies::reply`] if the request is denied.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests choose their numbers"))]

pub mod config;
mod metrics;
mod plugin;
mod policy;

pub use crate::{
    config::Config,
    metrics::{Metric, PolicyMetric},
    plugin::AccessControl,
    policy::{Audit, Decision, EXPLAIN, ListContent, ListSpec, Policies, Reason, RuleId, Verdict},
};
