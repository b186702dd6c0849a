//! Decides tags from a request and writes them as headers, for routes to act on.
//!
//! The crate decides and nothing else: it reads no clock, rolls no dice, holds no shared state and
//! knows no proxy. The shell around it does this:
//!
//! 1. At configuration: [`parse_config`](filter_core::parse_config) to a [`Config`], then
//!    [`Policy::new`].
//! 2. Per request: read what [`Policy::needs`] names, of each header every value, ask
//!    [`Policy::decide`], carry out the [`Decision`].
//! 3. When a stream whose decision names a canary ends, read its
//!    [`ResponseOutcome`](filter_core::ResponseOutcome) and, where a guard watches it, ask
//!    [`Policy::record`].
//! 4. Increment the counters that the answers name; their names are [`Policy::counters`].

mod baggage;
mod canary;
pub mod config;
mod entry;
mod metrics;
mod operations;
mod placeholder;
#[cfg(target_os = "wasi")]
mod plugin;
mod policy;
mod split;
mod sticky;
mod tag;

pub use crate::{
    canary::CanaryGauges,
    config::Config,
    metrics::{Counter, Event, STAT_TAGS},
    policy::{Decision, OnResponse, Policy, World},
    tag::{InvalidTag, Tag},
};
