//! The only crate that calls the proxy.
//!
//! It is empty on targets other than `wasm32-wasip1`, so the native tests of other crates cannot
//! depend on a host.
//!
//! Every host call returns a [`Result`] over bytes: the SDK's own wrappers panic on an unexpected
//! status and on a header that is not UTF-8, and one panic stops a worker.
//! The crate makes no decisions; policies do, in crates that do not depend on it.
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
