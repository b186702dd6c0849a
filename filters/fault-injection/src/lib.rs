//! Delays, aborts, resets and damages a chosen share of requests, to prove that callers cope.
//!
//! The crate decides and nothing else: it reads no clock, draws no random bits and knows no proxy.
//! The shell around it does this:
//!
//! 1. At configuration: [`parse_config`](filter_core::parse_config) to a [`Config`], then
//!    [`Policy::new`].
//! 2. Per request: roll [`Dice`] and ask [`Policy::may_fire`]. On yes, read what [`Policy::needs`]
//!    names and ask [`Policy::decide`] for a [`Plan`].
//! 3. Ask [`Policy::on_request`], [`Policy::on_response`] and [`Policy::after_hold`] for the next
//!    [`Step`], and carry it out. A stream that is held waits in [`Waiting`] until it is due.

mod body;
mod check;
pub mod config;
mod control;
mod delay;
mod dice;
mod metrics;
mod pace;
#[cfg(target_os = "wasi")]
mod plugin;
mod policy;
mod waiting;

pub use filter_core::Generator;

pub use crate::{
    body::{BodyEdit, Chunk},
    check::check,
    config::Config,
    delay::DelayLength,
    dice::Dice,
    metrics::Metric,
    pace::Pace,
    policy::{
        Chance, Decision, Ending, Explanation, Outcome, Phase, Plan, Policy, ScheduleTransition,
        Step,
    },
    waiting::{Waiting, retry_after},
};
