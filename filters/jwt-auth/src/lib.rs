//! Checks JSON Web Tokens at the proxy, as Istio's RequestAuthentication does.
//!
//! The crate decides and nothing else: it reads no clock, holds no connection and knows no proxy.
//! The shell around it does this:
//!
//! 1. At configuration: [`parse_config`](filter_core::parse_config) to a [`Config`], then
//!    [`Policy::new`] with a [`Crypto`] made from the proxy's `verify_signature`.
//! 2. Per worker: keep one [`Worker`] from [`Policy::worker`].
//! 3. Per request: read the headers of [`Policy::needs`], ask [`Policy::judge`], carry out the
//!    [`Verdict`]. For a [`Verdict::Deny`], read all headers and ask [`Policy::refuse`]. For a
//!    [`Verdict::AwaitKeys`], keep the request and ask again when a source of the worker changes.
//! 4. Per tick: hand each [`Source`](key_source::Source) of the worker its events, and carry out
//!    the effects.
//! 5. Increment the counters that the answers name; their names are [`Metric::name`].

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests choose their numbers"))]

pub mod algorithm;
mod cache;
pub mod config;
pub mod crypto;
pub mod denial;
mod der;
mod endpoint;
mod environment;
pub mod key;
pub mod key_set;
pub mod key_source;
mod locations;
mod metrics;
mod outputs;
#[cfg(target_os = "wasi")]
mod plugin;
mod policy;
mod provider;
mod rule;
pub mod token;

#[cfg(test)]
mod testing;

pub use crate::{
    config::Config,
    crypto::{Crypto, HostAnswer, HostVerify},
    denial::{Denial, Fault, Reason},
    environment::Environment,
    metrics::{Metric, STAT_TAGS},
    policy::{
        Admission, End, Explanation, Judgement, Outcome, Patience, Policy, Refusal, Verdict, Wait,
        Worker,
    },
};
