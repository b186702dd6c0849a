//! The order of faults on one stream.

use std::time::{Duration, SystemTime};

use filter_core::HeaderEdits;

use super::{Phase, Plan, Policy};
use crate::body::BodyEdit;

/// What is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// The stream goes on.
    Pass,
    /// The stream waits; then [`Policy::after_hold`] is asked.
    Hold(Duration),
    /// The stream ends as its plan says.
    End,
}

impl Policy {
    /// Says what is done when the request has arrived.
    pub fn on_request(&self, plan: &Plan) -> Step {
        self.begin(plan, Phase::Request)
    }

    /// Says what is done when the upstream has answered.
    pub fn on_response(&self, plan: &Plan) -> Step {
        self.begin(plan, Phase::Response)
    }

    /// Says what is done after the hold of a phase.
    ///
    /// An abort is left out if meanwhile its time is over or the pod has stopped by itself.
    pub fn after_hold(
        &self,
        plan: &Plan,
        phase: Phase,
        now: SystemTime,
        is_stopped: impl FnOnce() -> bool,
    ) -> Step {
        let in_time = self.entry(plan).is_some_and(|entry| self.is_active(entry, now));
        if self.aborts_in(plan, phase) && in_time && !is_stopped() { Step::End } else { Step::Pass }
    }

    /// Returns the changes to the response's status and headers.
    pub fn response_edits(&self, plan: &Plan) -> Option<(Option<u16>, &HeaderEdits)> {
        let change = self.fault(plan)?.response.as_ref().filter(|_| plan.changes_response)?;
        Some((change.status, &change.edits))
    }

    /// Returns what is done to the response's body.
    pub fn body_edit(&self, plan: &Plan) -> Option<&BodyEdit> {
        self.fault(plan)?.response.as_ref().filter(|_| plan.changes_response)?.body.as_ref()
    }

    /// Says whether a phase aborts the stream.
    pub fn aborts_in(&self, plan: &Plan, phase: Phase) -> bool {
        let configured = self.fault(plan).and_then(|fault| fault.abort.as_ref());
        plan.abort.is_some() && configured.is_some_and(|abort| abort.phase == phase)
    }

    fn begin(&self, plan: &Plan, phase: Phase) -> Step {
        let configured = self.fault(plan).and_then(|fault| fault.delay.as_ref());
        let here = configured.is_some_and(|delay| delay.phase == phase);
        match plan.delay {
            Some(length) if here && !length.is_zero() => Step::Hold(length),
            _ if self.aborts_in(plan, phase) => Step::End,
            _ => Step::Pass,
        }
    }
}
