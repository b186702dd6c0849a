//! Counts, times, traces and logs every stream of a proxy.
//!
//! The crate decides and nothing else: it reads no clock, draws no random bits and knows no proxy.
//! The shell around it does this:
//!
//! 1. At configuration: [`parse_config`](filter_core::parse_config) to a [`Config`], then
//!    [`Policy::new`].
//! 2. Per stream: note its beginning and its bytes, and hand all of it to the policy when it ends.

pub mod config;
#[cfg(target_os = "wasi")]
mod plugin;
mod policy;

pub use crate::{config::Config, policy::Policy};
