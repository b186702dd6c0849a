//! Safe wrappers for the host calls of Proxy-Wasm.
//!
//! This is the only crate that calls the proxy. It is empty on all targets except `wasm32-wasip1`,
//! so that the code that native tests cover cannot depend on it.
//!
//! All host calls return a [`Result`] over bytes. The wrappers of the SDK panic on an unexpected
//! status and on headers that are not UTF-8, and a panic stops a worker. The crate contains no
//! policy: policies are in crates that are independent of a proxy.
#![cfg(target_os = "wasi")]

pub mod body;
pub mod calls;
pub mod clock;
pub mod foreign;
pub mod headers;
mod host_error;
mod hostcalls;
pub mod logger;
pub mod metric_buffer;
pub mod metrics;
pub mod outcome;
pub mod property;
pub mod random;
pub mod reply;
pub mod request;
mod root;
pub mod shared_data;
pub mod shared_queue;
pub mod stream;

pub use proxy_wasm;

pub use crate::{
    host_error::{HostError, Result},
    root::{Plugin, Root},
};
