//! Carries spans and log records to collectors, and counts what is lost.
//!
//! Everything here is a state machine: items, answers and readings of the clock come in, requests
//! to send come out. Per worker, each provider and signal has a lane: a bounded queue, at most
//! four batches on their way, and books that balance at every moment.

mod backoff;
mod batch;
mod books;
mod exporter;
pub(crate) mod exporters;
mod lane;
mod limits;
mod metric;
pub mod otlp;
mod outcome;
mod provider;
pub(crate) mod providers;
mod queue;
pub(crate) mod resource;

pub use crate::export::{
    batch::HandedOver,
    books::Books,
    exporter::{Arrival, Departure, Exporter, LaneId, Ticket, Told},
    limits::Limits,
    metric::{Dropped, Failure, Metric},
    outcome::{Answer, Outcome},
    provider::{Protocol, Provider},
};
