//! Activation of a plan.

use std::rc::Rc;

use filter_host::property;

use super::{FaultInjection, active_fault::ActiveFault};
use crate::{Metric, Plan};

impl FaultInjection {
    /// Checks the limits, then counts and publishes the plan. Returns `None` if a limit is exceeded or
    /// in a dry run.
    pub(super) fn activate(&self, plan: Plan) -> Option<Rc<ActiveFault>> {
        let label = self.policy.label(&plan);
        if let Err(skipped) = self.shared.check_limits(&self.policy, &plan) {
            self.counters.count(skipped, label);
            return None;
        }
        for metric in self.policy.counts(&plan) {
            self.counters.count(metric, label);
        }
        let summary = self.policy.summary(&plan);
        log::debug!("{summary}");
        if property::write(&["weir.fault"], summary.as_bytes()).is_err() {
            self.counters.count(Metric::Errors, None);
        }
        if self.policy.is_dry_run() {
            return None;
        }
        let fault = ActiveFault::new(self, plan);
        if plan.holds_stream() {
            self.counters.active.add(1);
        }
        Some(fault)
    }
}
