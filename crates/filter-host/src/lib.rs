//! The only crate that talks to the proxy.
//!
//! It exists only on `wasm32-wasip1`; everywhere else it is empty, so that no other crate can come
//! to depend on a host while its tests still pass.
//!
//! Every call to the proxy returns a [`Result`] over bytes: the SDK's own wrappers panic on a status
//! they do not expect and on a header that is not UTF-8, and one panic stops a worker.
//! Nothing here decides anything: policies do, in crates that know no proxy.
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
