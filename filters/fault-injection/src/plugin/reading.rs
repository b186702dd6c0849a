//! Reading the request and the clock.

use std::time::SystemTime;

use filter_host::{Result, clock};

use super::FaultInjection;
use crate::{Decision, Dice};

impl FaultInjection {
    /// Reads what the policy names and asks it.
    pub(super) fn ask(&self, dice: &Dice) -> Result<Decision> {
        // Most requests are not those of testers.
        let request = self.reader.read_if_any()?;
        self.policy.decide_by(&request, dice, || {
            let now = clock::now()?;
            self.watch_schedules(now);
            Ok(now)
        })
    }

    /// Tells once in the pod when a schedule begins or ends; looks once a second.
    fn watch_schedules(&self, now: SystemTime) {
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
