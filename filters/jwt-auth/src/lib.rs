//! Verifies JSON Web Tokens at the proxy, like Istio's RequestAuthentication.
//!
//! The crate is sans-I/O: it reads no clock, opens no connections and does not depend on a proxy.
//! The shell around it works as follows:
//!
//! 1. At configuration: [`parse_config`](filter_core::parse_config) to a [`Config`], then
//!    [`Policy::new`] with a [`Crypto`] made from the proxy's `verify_signature`.
//! 2. Per worker: keep one [`Worker`] from [`Policy::worker`].
//! 3. Per request: read the headers of [`Policy::needs`], call [`Policy::decide`], apply the
//!    [`Verdict`]. For a [`Verdict::Deny`], read all headers and call [`Policy::respond`]. For a
//!    [`Verdict::Wait`], keep the request and decide again when a source of the worker changes.
//! 4. Per tick: pass each [`Source`](key_source::Source) of the worker its events and apply the
//!    effects.
//! 5. Increment the counters of each [`Decision`] and [`Response`], by [`Metric::name`].

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests choose their numbers"))]

pub mod algorithm;
mod cache;
mod compile_context;
pub mod config;
pub mod crypto;
pub mod denial;
mod der;
pub mod key;
pub mod key_set;
pub mod key_source;
mod locations;
mod metrics;
mod outputs;
mod plugin;
mod policy;
mod provider;
mod rule;
pub mod token;

#[cfg(test)]
mod testing;

pub use crate::{
    compile_context::CompileContext,
    config::Config,
    crypto::{Crypto, HostAnswer, HostVerify},
    denial::{Denial, Reason, Rejection, Wait},
    metrics::{Metric, STAT_TAGS},
    plugin::JwtAuth,
    policy::{
        Admission, Decision, ExplainedOutcome, Explanation, Policy, Response, Verdict, WaitPolicy,
        Worker,
    },
};
