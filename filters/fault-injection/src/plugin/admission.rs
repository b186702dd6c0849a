//! From a plan to a stream with a fault.

use std::rc::Rc;

use filter_host::property;

use super::{FaultInjection, held::Held};
use crate::{Metric, Plan};

impl FaultInjection {
    /// Lets a plan through the gates and notes it; `None` where it must not be carried out.
    pub(super) fn admit(&self, plan: Plan) -> Option<Rc<Held>> {
        let label = self.policy.label(&plan);
        if let Err(skipped) = self.shared.admit(&self.policy, &plan) {
            self.counters.count(skipped, label);
            return None;
        }
        for metric in self.policy.counts(&plan) {
            self.counters.count(metric, label);
        }
        let trace = self.policy.trace(&plan);
        log::debug!("{trace}");
        if property::write(&["weir.fault"], trace.as_bytes()).is_err() {
            self.counters.count(Metric::Errors, None);
        }
        if self.policy.is_dry_run() {
            return None;
        }
        let held = Held::new(self, plan);
        if plan.holds() {
            self.counters.active.add(1);
        }
        Some(held)
    }
}
