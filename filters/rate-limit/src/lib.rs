//! Limits the rate and the concurrency of requests, in total or per key.
//!
//! The crate only decides: it reads no clock, shares no state and calls no proxy. The plugin does
//! the rest:
//!
//! 1. On configuration, it parses a [`Config`] with [`parse_config`](filter_core::parse_config) and
//!    compiles it with [`Policy::new`].
//! 2. For each request, it reads the inputs that [`Policy::needs`] lists, and gets the draws from
//!    [`Policy::plan`].
//! 3. It reads the pages of these draws, applies [`Rate::draw`] to each, and stores the pages only
//!    if all limits admit the request.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests choose their numbers"))]

mod active;
pub mod config;
mod key;
mod lease;
mod metrics;
mod page;
mod plugin;
mod policy;
mod rate;
mod recent_use;
mod refusals;
pub mod service;
mod windows;

pub use crate::{
    config::Config,
    key::Secret,
    metrics::{LimitMetric, Metric},
    page::Page,
    plugin::RateLimit,
    policy::{
        Denial, GlobalDraw, Inputs, Limit, Plan, PlannedDraw, Policy, Refusal, ResponseParts,
        ServiceSpec, Usage,
    },
    rate::{Clocks, PageAdmission, PageDraw, PageRefusal, Rate},
    windows::{
        Amount, Draw, FixedCount, FixedWindow, FullAt, SlidingCounts, SlidingWindow, State,
        TokenBucket, UnsupportedRate, Window,
    },
};
