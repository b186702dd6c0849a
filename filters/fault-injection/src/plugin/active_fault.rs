//! A stream with a fault.

use std::{cell::Cell, rc::Rc, time::Duration};

use filter_host::{
    Result, clock,
    headers::{self, Map},
    reply,
    stream::{self, ContextId},
};

use super::{FaultInjection, response_body::ResponseBody};
use crate::{Metric, Phase, Plan, Step, resume_backoff};

/// The fault of a stream; shared by its context and the queue.
pub(super) struct ActiveFault {
    plan: Plan,
    /// The deadline of the current wait and its kind; `None` if the stream is not held.
    wait: Cell<Option<(Duration, Wait)>>,
    /// `true` while the stream counts towards `maxActiveFaults`.
    is_counted: Cell<bool>,
    /// `true` if no further fault is injected: the stream got a reply, or a host call failed.
    is_over: Cell<bool>,
    pub(super) body: Option<ResponseBody>,
}

/// The reason why a stream is held.
#[derive(Clone, Copy, PartialEq)]
enum Wait {
    /// A delay.
    Delay(Phase),
    /// The rate limit of the body.
    Body,
    /// The backoff after this many failed attempts to resume the stream.
    Retry(Phase, u32),
}

impl ActiveFault {
    pub(super) fn new(plugin: &FaultInjection, plan: Plan) -> Rc<Self> {
        Rc::new(Self {
            wait: Cell::new(None),
            is_counted: Cell::new(plan.holds_stream()),
            is_over: Cell::new(false),
            body: ResponseBody::new(&plugin.policy, &plan),
            plan,
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.wait.get().is_some()
    }

    /// Starts a phase. Returns `true` if the stream continues.
    pub(super) fn begin(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        phase: Phase,
    ) -> bool {
        let step = match phase {
            Phase::Request => plugin.policy.on_request(&self.plan),
            Phase::Response => plugin.policy.on_response(&self.plan),
        };
        match step {
            Step::Delay(length) => {
                let due = clock::monotonic().saturating_add(length);
                let is_held = self.hold(plugin, id, due, Wait::Delay(phase));
                if is_held {
                    plugin.counters.delay.record(length);
                } else {
                    // Without a tick, the stream would never be resumed.
                    self.disable(plugin);
                }
                !is_held
            }
            Step::Continue | Step::Abort => self.apply(plugin, phase, step),
        }
    }

    /// Holds the body until `due`. Returns `false` if it cannot be held.
    pub(super) fn hold_body(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        due: Duration,
    ) -> bool {
        if let Some((before, _)) = self.wait.take() {
            plugin.dequeue(before, id);
        }
        let is_held = self.hold(plugin, id, due, Wait::Body);
        if !is_held {
            self.disable(plugin);
        }
        is_held
    }

    /// Queues the stream until `due`. Returns `false` if it cannot be held.
    fn hold(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        due: Duration,
        wait: Wait,
    ) -> bool {
        let is_held = plugin.enqueue(due, id, Rc::clone(self)).is_ok();
        self.wait.set(is_held.then_some((due, wait)));
        is_held
    }

    /// Ends a wait, called from a tick after the deadline.
    pub(super) fn wake(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        lateness: Duration,
    ) {
        let Some((_, wait)) = self.wait.take() else { return };
        if stream::enter(id).is_err() {
            // The stream has ended.
            self.disable(plugin);
            return;
        }
        if !matches!(wait, Wait::Retry(..)) {
            plugin.counters.late.record(lateness);
        }
        let (phase, continues, refusals) = match wait {
            Wait::Delay(phase) => (phase, self.after_delay(plugin, phase), 0),
            Wait::Body => (Phase::Response, true, 0),
            Wait::Retry(phase, refusals) => (phase, true, refusals),
        };
        if continues && resume(phase).is_err() {
            self.disable(plugin);
            let refusals = refusals.saturating_add(1);
            let due = clock::monotonic().saturating_add(resume_backoff(refusals));
            self.hold(plugin, id, due, Wait::Retry(phase, refusals));
        }
    }

    /// Applies the step after a delay. Returns `true` if the stream continues.
    fn after_delay(&self, plugin: &FaultInjection, phase: Phase) -> bool {
        let step = clock::now().map_or(Step::Continue, |now| {
            let is_stopped = || plugin.policy.guard().is_some() && plugin.shared.is_stopped();
            plugin.policy.after_delay(&self.plan, phase, now, is_stopped)
        });
        if self.plan.rate.is_none() {
            self.release(plugin);
        }
        self.apply(plugin, phase, step)
    }

    /// Aborts or continues the stream. Returns `true` if it continues.
    fn apply(&self, plugin: &FaultInjection, phase: Phase, step: Step) -> bool {
        if step == Step::Abort {
            return self.abort(plugin, phase);
        }
        if phase == Phase::Response && self.change_response(plugin).is_err() {
            self.count_error(plugin);
        }
        true
    }

    /// Aborts the stream. Returns `true` if the proxy refuses, so the stream continues.
    fn abort(&self, plugin: &FaultInjection, phase: Phase) -> bool {
        // Set first: a local reply runs the response callbacks immediately.
        self.is_over.set(true);
        self.release(plugin);
        let aborted = match plugin.policy.reply(&self.plan) {
            Some(reply) => reply::try_send(&reply),
            None if phase == Phase::Request => stream::reset_request(),
            None => stream::reset_response(),
        };
        if aborted.is_err() {
            self.count_error(plugin);
        }
        aborted.is_err()
    }

    /// Changes the status and the headers of the response.
    fn change_response(&self, plugin: &FaultInjection) -> Result<()> {
        if let Some(name) = plugin.policy.mark_header() {
            let summary = plugin.policy.summary(&self.plan);
            headers::set(Map::ResponseHeaders, name.as_str(), summary.as_bytes())?;
        }
        let Some((status, edits)) = plugin.policy.response_edits(&self.plan) else { return Ok(()) };
        if let Some(status) = status {
            headers::set(Map::ResponseHeaders, ":status", status.to_string().as_bytes())?;
        }
        headers::apply(Map::ResponseHeaders, edits)
    }

    /// Removes the stream from the queue and from the active faults.
    pub(super) fn on_stream_end(&self, plugin: &FaultInjection, id: ContextId) {
        if let Some((due, _)) = self.wait.take() {
            plugin.dequeue(due, id);
            plugin.counters.count(Metric::Abandoned, plugin.policy.label(&self.plan));
        }
        self.release(plugin);
    }

    /// Stops the fault because the held stream got a reply from elsewhere, such as a timeout.
    pub(super) fn on_other_reply(&self, plugin: &FaultInjection, id: ContextId) {
        self.is_over.set(true);
        self.on_stream_end(plugin, id);
    }

    /// Stops counting the stream towards `maxActiveFaults`.
    fn release(&self, plugin: &FaultInjection) {
        if self.is_counted.replace(false) {
            plugin.shared.release();
            plugin.counters.active.add(-1);
        }
    }

    /// Injects no further faults, after a failed host call.
    fn disable(&self, plugin: &FaultInjection) {
        self.is_over.set(true);
        self.release(plugin);
        self.count_error(plugin);
    }

    fn count_error(&self, plugin: &FaultInjection) {
        plugin.counters.count(Metric::Errors, None);
    }
}

fn resume(phase: Phase) -> Result<()> {
    match phase {
        Phase::Request => stream::resume_request(),
        Phase::Response => stream::resume_response(),
    }
}
