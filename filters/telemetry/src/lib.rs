//! Counts, times, traces and logs every stream of a proxy.
//!
//! The crate decides and nothing else: it reads no clock, draws no random bits and knows no proxy.
//! The shell around it does this:
//!
//! 1. At configuration: [`parse_config`](filter_core::parse_config) to a [`Config`], then
//!    [`Policy::new`].
//! 2. Per stream: note its beginning and its bytes, and hand all of it to the policy when it ends.

pub mod config;
mod generator;
pub mod otlp;
#[cfg(target_os = "wasi")]
mod plugin;
mod policy;
mod token_bucket;
mod trace_context;

pub use crate::{
    config::Config,
    generator::Generator,
    policy::Policy,
    token_bucket::TokenBucket,
    trace_context::{
        B3, InvalidTraceParent, InvalidTraceState, SpanId, TraceId, TraceParent, TraceState,
        baggage,
    },
};
