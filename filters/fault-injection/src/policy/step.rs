//! The order of faults on a stream.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use filter_core::HeaderEdits;

use super::{Phase, Plan, Policy};
use crate::body::BodyEdit;

/// The next step of a fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Continue the stream.
    Continue,
    /// Delay the stream, then call [`Policy::after_delay`].
    Delay(Duration),
    /// Abort the stream with [`Plan::abort`].
    Abort,
}

impl Policy {
    /// Returns the first step of the request phase.
    pub fn on_request(&self, plan: &Plan) -> Step {
        self.begin(plan, Phase::Request)
    }

    /// Returns the first step of the response phase.
    pub fn on_response(&self, plan: &Plan) -> Step {
        self.begin(plan, Phase::Response)
    }

    /// Returns the step after the delay of a phase.
    ///
    /// It is not an abort if the schedule has ended or the pod has stopped during the delay.
    pub fn after_delay(
        &self,
        plan: &Plan,
        phase: Phase,
        now: SystemTime,
        is_stopped: impl FnOnce() -> bool,
    ) -> Step {
        let (clock, is_stopped) = (|| Ok::<_, Infallible>(now), || Ok(is_stopped()));
        let step = self.after_delay_with_clock(plan, phase, clock, is_stopped);
        step.unwrap_or_else(|never| match never {})
    }

    /// Like [`Policy::after_delay`], but reads the clock only if a schedule depends on it.
    ///
    /// # Errors
    ///
    /// Returns the error of the clock or of `is_stopped`.
    pub fn after_delay_with_clock<E>(
        &self,
        plan: &Plan,
        phase: Phase,
        clock: impl FnOnce() -> Result<SystemTime, E>,
        is_stopped: impl FnOnce() -> Result<bool, E>,
    ) -> Result<Step, E> {
        let Some(entry) = self.entry(plan).filter(|_| self.aborts_in(plan, phase)) else {
            return Ok(Step::Continue);
        };
        let is_active = !self.is_scheduled(entry) || self.is_active(entry, clock()?);
        let aborts = is_active && !is_stopped()?;
        Ok(if aborts { Step::Abort } else { Step::Continue })
    }

    /// Returns the changes to the status and the headers of the response.
    pub fn response_edits(&self, plan: &Plan) -> Option<(Option<u16>, &HeaderEdits)> {
        let change = self.fault(plan)?.response.as_ref().filter(|_| plan.changes_response)?;
        Some((change.status, &change.edits))
    }

    /// Returns the change to the response body.
    pub fn body_edit(&self, plan: &Plan) -> Option<&BodyEdit> {
        self.fault(plan)?.response.as_ref().filter(|_| plan.changes_response)?.body.as_ref()
    }

    /// Returns `true` if the plan aborts the stream in this phase.
    pub fn aborts_in(&self, plan: &Plan, phase: Phase) -> bool {
        let configured = self.fault(plan).and_then(|fault| fault.abort.as_ref());
        plan.abort.is_some() && configured.is_some_and(|abort| abort.phase == phase)
    }

    fn begin(&self, plan: &Plan, phase: Phase) -> Step {
        let configured = self.fault(plan).and_then(|fault| fault.delay.as_ref());
        let is_delayed = configured.is_some_and(|delay| delay.phase == phase);
        match plan.delay {
            Some(length) if is_delayed && !length.is_zero() => Step::Delay(length),
            Some(_) | None if self.aborts_in(plan, phase) => Step::Abort,
            Some(_) | None => Step::Continue,
        }
    }
}
