//! Signals that a stream produces: access log, metrics, traces and objectives.

pub mod access_log;
pub mod filter;
pub mod label;
pub(crate) mod metrics;
pub(crate) mod slo;
pub(crate) mod tracing;
