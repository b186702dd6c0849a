//! Delays, aborts, resets and corrupts a share of requests, to test how callers handle faults.
//!
//! The crate only decides: it reads no clock, draws no random bits and calls no proxy. The plugin
//! does the rest:
//!
//! 1. On configuration, it parses a [`Config`] with [`parse_config`](filter_core::parse_config) and
//!    compiles it with [`Policy::new`].
//! 2. For each request, it takes random [`Draws`]. If [`Policy::may_fire`] returns `true`, it reads
//!    the inputs in [`Policy::needs`] and calls [`Policy::decide`] for a [`Plan`].
//! 3. It applies each [`Step`] that [`Policy::on_request`], [`Policy::on_response`] and
//!    [`Policy::after_delay`] return. Each held stream waits for a
//!    [`Hold`].

mod body;
mod check;
pub mod config;
mod delay;
mod draws;
mod header_control;
mod hold;
mod metrics;
mod plugin;
mod policy;
mod rate_limiter;
mod slots;

pub use filter_core::Generator;

pub use crate::{
    body::{BodyEdit, Chunk},
    check::check,
    config::Config,
    delay::DelayLength,
    draws::Draws,
    hold::Hold,
    metrics::Metric,
    plugin::FaultInjection,
    policy::{
        AbortKind, Decision, Explanation, FaultDraw, Outcome, Phase, Plan, Policy,
        ScheduleTransition, Step,
    },
    rate_limiter::RateLimiter,
    slots::Slots,
};
