//! An in-memory proxy, so that plugins can be tested natively.
//!
//! [`Proxy`] has the state that all workers share: clock, shared data, queues, metrics, clusters and
//! the log. A [`Worker`] is a virtual machine with a plugin, and carries streams through its
//! callbacks. [`Proxy::fail`] makes a host call fail, [`failures`] makes each one fail in turn, and
//! [`Proxy::interrupt`] runs other workers between two host calls.
//!
//! Its behaviour is that of Envoy, as far as the filters depend on it; the tests in real Envoy check
//! the same facts. Each thread has one proxy, so a test has one at a time.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a wrong use fails the test that contains it"
)]

pub(crate) mod calls;
mod failures;
mod proxy;
mod state;
mod stream;
mod worker;

pub use failures::{FailedCall, Failures, difference, failures, host_calls};
pub use proxy::Proxy;
pub use state::{HostCall, HttpCall};
pub use stream::{LocalReply, StreamState};
pub use worker::Worker;
#[cfg(test)]
pub(crate) use worker::{run_in_plugin, run_in_stream};
