//! A question about a request.

use std::time::Duration;

use filter_core::Request;

use super::{Patience, Worker};
use crate::metrics::Metric;

/// What a decision needs besides the policy.
pub(super) struct Asking<'a> {
    pub(super) worker: &'a mut Worker,
    pub(super) request: &'a Request,
    pub(super) now: Duration,
    pub(super) patience: Patience,
    pub(super) counts: &'a mut Vec<Metric>,
}
