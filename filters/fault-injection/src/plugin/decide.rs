//! Decisions about requests, and the log of schedule transitions.

use std::time::SystemTime;

use filter_host::{Result, clock};

use super::FaultInjection;
use crate::{Decision, Draws, Metric, Plan};

impl FaultInjection {
    /// Decides about the current request. After a failed host call, it gets no fault.
    pub(super) fn decide(&self) -> Option<Plan> {
        if self.policy.is_idle() {
            return None;
        }
        let draws = Draws::random(&mut self.generator.borrow_mut());
        if !self.policy.may_fire(&draws) {
            return None;
        }
        let decision = self.read_and_decide(&draws).unwrap_or_else(|error| {
            log::warn!("a host call failed: {error:?}");
            self.counters.count(Metric::Errors, None);
            Decision::default()
        });
        if decision.is_unkeyed {
            self.counters.count(Metric::Unkeyed, None);
        }
        decision.plan
    }

    fn read_and_decide(&self, draws: &Draws) -> Result<Decision> {
        // Most requests have none of the headers, so looking them up is cheaper than reading all.
        let request = self.reader.read_if_any()?;
        self.policy.decide_with_clock(&request, draws, || {
            let now = clock::now()?;
            self.log_transitions(now);
            Ok(now)
        })
    }

    /// Logs schedules that begin or end, once per pod. Checks at most once per second.
    fn log_transitions(&self, now: SystemTime) {
        let second = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.last_schedule_check.replace(second) == second {
            return;
        }
        let schedule_state = self.policy.schedule_state(now);
        if self.schedule_state.replace(schedule_state.clone()) != schedule_state {
            for transition in self.shared.update_schedules(&self.policy, &schedule_state) {
                log::info!("{transition}");
            }
        }
    }
}
