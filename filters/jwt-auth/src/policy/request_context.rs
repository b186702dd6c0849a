//! Inputs of a decision.

use std::time::Duration;

use filter_core::Request;

use super::{WaitPolicy, Worker};
use crate::metrics::Metric;

/// The inputs of a decision besides the policy, and its counters.
pub(super) struct RequestContext<'a> {
    pub(super) worker: &'a mut Worker,
    pub(super) request: &'a Request,
    /// Returns the time since 1970.
    pub(super) now: &'a dyn Fn() -> Duration,
    pub(super) wait_policy: WaitPolicy,
    pub(super) counts: &'a mut Vec<Metric>,
}

impl RequestContext<'_> {
    /// Returns the time since 1970.
    pub(super) fn now(&self) -> Duration {
        (self.now)()
    }
}
