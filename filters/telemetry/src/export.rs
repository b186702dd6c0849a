//! Exporting spans and log records to OpenTelemetry collectors.
//!
//! Everything here is sans-I/O: items, responses and clock readings go in, requests come out. Each
//! worker has one pipeline per provider and signal: a bounded queue, at most four batches outside
//! of it, and delivery statistics that account for every item.

mod backoff;
mod delivery_stats;
mod export_outcome;
mod exporter;
pub(crate) mod exporters;
mod handoff;
mod metric;
pub mod otlp;
mod pipeline;
mod provider;
pub(crate) mod providers;
mod queue;
pub(crate) mod resource;

pub use crate::export::{
    delivery_stats::DeliveryStats,
    export_outcome::{ExportOutcome, Response},
    exporter::{ExportResult, Exporter, OutgoingRequest, PipelineId, RequestId, StatsDelta},
    handoff::HandoffBatch,
    metric::{Dropped, Failure, Metric},
    provider::{Protocol, Provider},
    queue::QueueLimits,
};
