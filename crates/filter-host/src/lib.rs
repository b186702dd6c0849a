//! The interface between a filter and its host, and the host calls that a filter can make.
//!
//! [`Plugin`] and [`Stream`] are implemented by filters and called by the host. The host is chosen
//! by target: a proxy with ABI 0.2.1 of Proxy-Wasm for `wasm32-wasip1`, and an in-memory proxy for
//! tests on every other target (`memory`).
//!
//! All host calls return a [`Result`] over bytes. The wrappers of the SDK panic on an unexpected
//! status and on headers that are not UTF-8, and a panic stops a worker. The crate contains no
//! policy: policies are in crates that are independent of a proxy.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests choose their numbers"))]

pub mod body;
pub mod calls;
pub mod clock;
pub mod environment;
pub mod foreign;
pub mod headers;
pub mod hold_queue;
mod host_error;
pub mod logger;
pub mod metric_buffer;
pub mod metrics;
pub mod outcome;
pub mod plugin;
pub mod property;
pub mod published;
pub mod random;
pub mod redaction;
pub mod remote;
pub mod reply;
pub mod request;
pub mod shared_data;
pub mod shared_queue;
pub mod stream;
mod sys;
pub mod timers;

#[cfg(target_os = "wasi")]
pub use proxy_wasm;

#[cfg(not(target_os = "wasi"))]
pub use crate::sys::memory;
#[cfg(target_os = "wasi")]
pub use crate::sys::wasm::entry::start;
pub use crate::{
    host_error::{HostError, Result},
    plugin::{Action, Plugin, Setup, Stream},
};
