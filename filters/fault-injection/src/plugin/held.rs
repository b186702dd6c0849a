//! A stream with a fault, and what becomes of it when its wait is over.

use std::{cell::Cell, rc::Rc, time::Duration};

use filter_host::{
    Result, clock,
    headers::{self, Map},
    reply,
    stream::{self, ContextId},
};

use super::{FaultInjection, pacing::Pacing};
use crate::{Metric, Phase, Plan, Step, retry_after};

/// A stream with a fault; shared by its context and the queue.
pub(super) struct Held {
    plan: Plan,
    /// Until when it waits, and for what.
    wait: Cell<Option<(Duration, Wait)>>,
    /// Whether it counts among the held streams of the pod.
    is_counted: Cell<bool>,
    /// Whether the filter itself has answered it.
    is_over: Cell<bool>,
    pub(super) pacing: Option<Pacing>,
}

/// What a stream waits for.
#[derive(Clone, Copy, PartialEq)]
enum Wait {
    /// The end of a delay.
    Delay(Phase),
    /// Its body's bytes.
    Body,
    /// Another try after so many refusals to resume it.
    Again(Phase, u32),
}

impl Held {
    pub(super) fn new(plugin: &FaultInjection, plan: Plan) -> Rc<Self> {
        Rc::new(Self {
            wait: Cell::new(None),
            is_counted: Cell::new(plan.holds()),
            is_over: Cell::new(false),
            pacing: Pacing::new(&plugin.policy, &plan),
            plan,
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.wait.get().is_some()
    }

    /// Takes the first step of a phase; `true` lets the stream go on.
    pub(super) fn begin(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        on: Phase,
    ) -> bool {
        let step = match on {
            Phase::Request => plugin.policy.on_request(&self.plan),
            Phase::Response => plugin.policy.on_response(&self.plan),
        };
        match step {
            Step::Hold(length) => {
                let due = plugin.now().saturating_add(length);
                let is_held = self.until(plugin, id, due, Wait::Delay(on));
                if is_held {
                    plugin.counters.delay.record(millis(length));
                } else {
                    // Without a tick nothing would ever end the wait.
                    self.spare(plugin);
                }
                !is_held
            }
            step => self.finish(plugin, on, step),
        }
    }

    /// Waits until the body's bytes are due; `false` when it cannot.
    pub(super) fn pace(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        due: Duration,
    ) -> bool {
        if let Some((before, _)) = self.wait.take() {
            plugin.forget(before, id);
        }
        let is_held = self.until(plugin, id, due, Wait::Body);
        if !is_held {
            self.spare(plugin);
        }
        is_held
    }

    fn until(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        due: Duration,
        wait: Wait,
    ) -> bool {
        let is_held = plugin.wait(due, id, Rc::clone(self)).is_ok();
        self.wait.set(is_held.then_some((due, wait)));
        is_held
    }

    /// Goes on after a wait, from a tick.
    pub(super) fn wake(self: &Rc<Self>, plugin: &FaultInjection, id: ContextId, late: Duration) {
        let Some((_, wait)) = self.wait.take() else { return };
        if stream::enter(id).is_err() {
            // The stream is gone.
            self.spare(plugin);
            return;
        }
        if !matches!(wait, Wait::Again(..)) {
            plugin.counters.late.record(millis(late));
        }
        let (phase, goes_on, refusals) = match wait {
            Wait::Delay(phase) => (phase, self.after(plugin, phase), 0),
            Wait::Body => (Phase::Response, true, 0),
            Wait::Again(phase, refusals) => (phase, true, refusals),
        };
        if goes_on && resume(phase).is_err() {
            self.spare(plugin);
            let refusals = refusals.saturating_add(1);
            let again = plugin.now().saturating_add(retry_after(refusals));
            self.until(plugin, id, again, Wait::Again(phase, refusals));
        }
    }

    fn after(&self, plugin: &FaultInjection, phase: Phase) -> bool {
        let step = clock::now().map_or(Step::Pass, |now| {
            let is_stopped = || plugin.policy.guard().is_some() && plugin.shared.is_stopped();
            plugin.policy.after_hold(&self.plan, phase, now, is_stopped)
        });
        if self.plan.rate.is_none() {
            self.release(plugin);
        }
        self.finish(plugin, phase, step)
    }

    /// Carries out what comes after the delay of a phase; `true` lets the stream go on.
    fn finish(&self, plugin: &FaultInjection, phase: Phase, step: Step) -> bool {
        if step == Step::End {
            return self.end(plugin, phase);
        }
        if phase == Phase::Response && self.change(plugin).is_err() {
            self.fail(plugin);
        }
        true
    }

    /// Ends the stream as its plan says; `true` where the proxy refuses, and the stream goes on.
    fn end(&self, plugin: &FaultInjection, phase: Phase) -> bool {
        // Set first: a reply passes through the callbacks of the response at once.
        self.is_over.set(true);
        self.release(plugin);
        let ended = match plugin.policy.reply(&self.plan) {
            Some(answer) => reply::try_send(&answer),
            None if phase == Phase::Request => stream::reset_request(),
            None => stream::reset_response(),
        };
        if ended.is_err() {
            self.fail(plugin);
        }
        ended.is_err()
    }

    /// Changes status and headers of the response.
    fn change(&self, plugin: &FaultInjection) -> Result<()> {
        if let Some(mark) = plugin.policy.mark() {
            let trace = plugin.policy.trace(&self.plan);
            headers::set(Map::ResponseHeaders, mark.as_str(), trace.as_bytes())?;
        }
        let Some((status, edits)) = plugin.policy.response_edits(&self.plan) else { return Ok(()) };
        if let Some(status) = status {
            headers::set(Map::ResponseHeaders, ":status", status.to_string().as_bytes())?;
        }
        headers::apply(Map::ResponseHeaders, edits)
    }

    /// Leaves the queue and the count when the stream ends.
    pub(super) fn leave(&self, plugin: &FaultInjection, id: ContextId) {
        if let Some((due, _)) = self.wait.take() {
            plugin.forget(due, id);
            plugin.counters.count(Metric::Abandoned, plugin.policy.label(&self.plan));
        }
        self.release(plugin);
    }

    /// Leaves a stream alone that someone else has answered while it waited.
    pub(super) fn yield_to_other_reply(&self, plugin: &FaultInjection, id: ContextId) {
        self.is_over.set(true);
        self.leave(plugin, id);
    }

    /// Counts the stream among those held no more.
    fn release(&self, plugin: &FaultInjection) {
        if self.is_counted.replace(false) {
            plugin.shared.release();
            plugin.counters.active.add(-1);
        }
    }

    /// Leaves the stream without further fault, because the proxy has refused something.
    fn spare(&self, plugin: &FaultInjection) {
        self.is_over.set(true);
        self.release(plugin);
        self.fail(plugin);
    }

    fn fail(&self, plugin: &FaultInjection) {
        plugin.counters.count(Metric::Errors, None);
    }
}

/// Lets a stream go on.
fn resume(phase: Phase) -> Result<()> {
    match phase {
        Phase::Request => stream::resume_request(),
        Phase::Response => stream::resume_response(),
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
