//! Decisions about requests, and the log of schedule transitions.

use std::{rc::Rc, time::SystemTime};

use filter_host::{
    Result, clock,
    published::{self, Fact, Readers},
};

use super::{FaultInjection, active_fault::ActiveFault};
use crate::{Draws, Metric, Plan};

impl FaultInjection {
    /// Decides about the current request, and counts and publishes its fault.
    ///
    /// Returns `None` without a fault, after a failed host call, and in a dry run.
    pub(super) fn decide(&self) -> Option<Rc<ActiveFault>> {
        if self.policy.is_idle() {
            return None;
        }
        let draws = Draws::random(&mut self.generator.borrow_mut());
        if !self.policy.may_fire(&draws) {
            return None;
        }
        let plan = self.plan(&draws).unwrap_or_else(|error| {
            log::warn!("a host call failed: {error:?}");
            self.counters.count(Metric::Errors, None);
            None
        });
        self.activate(plan?)
    }

    /// Returns the plan for the current request, unless a limit is exceeded.
    fn plan(&self, draws: &Draws) -> Result<Option<Plan>> {
        // Most requests have none of the headers, so looking them up is cheaper than reading all.
        let request = self.reader.read_if_any()?;
        let decision = self.policy.decide_with_clock(&request, draws, || {
            let now = clock::now()?;
            self.log_transitions(now);
            Ok(now)
        })?;
        if decision.is_unkeyed {
            self.counters.count(Metric::Unkeyed, None);
        }
        let Some(plan) = decision.plan else { return Ok(None) };
        if let Some(skipped) = self.shared.exceeded_limit(&self.policy, &plan)? {
            self.counters.count(skipped, self.policy.label(&plan));
            return Ok(None);
        }
        Ok(Some(plan))
    }

    fn activate(&self, plan: Plan) -> Option<Rc<ActiveFault>> {
        for metric in self.policy.counts(&plan) {
            self.counters.count(metric, self.policy.label(&plan));
        }
        let summary = self.policy.summary(&plan);
        log::debug!("{summary}");
        let summary: Rc<[u8]> = Rc::from(summary.into_bytes());
        if published::publish(Fact::Fault, &summary, Readers::Everyone).is_err() {
            self.counters.count(Metric::Errors, None);
        }
        if self.policy.is_dry_run() {
            return None;
        }
        if plan.holds_stream() {
            self.counters.active.add(1);
        }
        Some(ActiveFault::new(self, plan))
    }

    /// Logs schedules that begin or end, once per pod. Checks at most once per second.
    fn log_transitions(&self, now: SystemTime) {
        let second = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.last_schedule_check.replace(second) == second
            || self.policy.schedule_state(now) == *self.schedule_state.borrow()
        {
            return;
        }
        // On failure, the next check tries again.
        if let Ok((state, transitions)) = self.shared.update_schedules(&self.policy) {
            self.schedule_state.replace(state);
            transitions.iter().for_each(|transition| log::info!("{transition}"));
        }
    }
}
