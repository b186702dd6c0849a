//! Chooses tags for requests and writes them as headers, on which routes can match.
//!
//! The crate only decides: it reads no clock, draws no random bits, shares no state and calls no
//! proxy. The plugin does the rest:
//!
//! 1. On configuration, it parses a [`Config`] with [`parse_config`](filter_core::parse_config) and
//!    compiles it with [`Policy::new`].
//! 2. For each request, it reads the inputs in [`Policy::needs`], with every value of each header,
//!    calls [`Policy::decide`] and applies the [`Decision`].
//! 3. When a stream ends whose decision contains a canary, it passes the
//!    [`ResponseOutcome`](filter_core::ResponseOutcome) to [`Policy::record`] if the canary has a
//!    guard.
//! 4. It increments the counters of each decision, which are indices into [`Policy::counters`].

mod baggage;
mod canary;
pub mod config;
mod entry;
mod metrics;
mod operations;
mod plugin;
mod policy;
mod split;
mod sticky;
mod tag;

pub use crate::{
    canary::CanaryMetrics,
    config::Config,
    metrics::{Counter, Metric, STAT_TAGS},
    plugin::RoutingTags,
    policy::{Decision, Inputs, Policy, ResponseChanges},
    tag::{InvalidTag, Tag},
};
