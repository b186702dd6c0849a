//! A stream with a fault.

use std::{cell::Cell, rc::Rc, time::Duration};

use filter_host::{
    Result, clock,
    stream::{self, ContextId},
};

use super::{FaultInjection, response_body::ResponseBody};
use crate::{Hold, Metric, Phase, Plan, Step};

mod apply;

/// The fault of a stream; shared by its context and the queue.
pub(super) struct ActiveFault {
    plan: Plan,
    /// The deadline of the current hold and its reason; `None` if the stream is not held.
    hold: Cell<Option<(Duration, Hold)>>,
    /// `true` while the stream counts towards `maxActiveFaults`.
    is_counted: Cell<bool>,
    /// `true` if no further fault is injected: the stream got a reply, or a host call failed.
    is_over: Cell<bool>,
    body: Option<ResponseBody>,
}

impl ActiveFault {
    pub(super) fn new(plugin: &FaultInjection, plan: Plan) -> Rc<Self> {
        Rc::new(Self {
            hold: Cell::new(None),
            is_counted: Cell::new(plan.holds_stream()),
            is_over: Cell::new(false),
            body: ResponseBody::new(&plugin.policy, &plan),
            plan,
        })
    }

    pub(super) fn is_held(&self) -> bool {
        self.hold.get().is_some()
    }

    /// Starts the request phase. Returns `true` if the stream continues.
    pub(super) fn on_request_headers(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
    ) -> bool {
        self.begin(plugin, id, Phase::Request, plugin.policy.on_request(&self.plan))
    }

    /// Starts the response phase. Returns `true` if the stream continues.
    pub(super) fn on_response_headers(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        is_bodiless: bool,
    ) -> bool {
        if self.is_held() {
            // The proxy answered the held request, for example after a timeout.
            self.is_over.set(true);
            self.on_stream_end(plugin, id);
        }
        if self.is_over.get() {
            return true;
        }
        if let Some(body) = &self.body {
            body.set_bodiless(is_bodiless);
        }
        self.begin(plugin, id, Phase::Response, plugin.policy.on_response(&self.plan))
    }

    /// Changes a chunk of the response body. Returns `true` if it continues.
    pub(super) fn on_response_body(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        size: usize,
    ) -> bool {
        let body = self.body.as_ref().filter(|_| !self.is_over.get());
        let hold = body.map_or(Ok(None), |body| body.on_chunk(size));
        let is_held = match hold {
            Ok(None) => Ok(false),
            Ok(Some((now, due))) => self.hold(plugin, id, (now, due), Hold::Body).map(|()| true),
            Err(error) => Err(error),
        };
        if is_held.is_err() {
            self.disable(plugin);
        }
        let is_held = is_held.unwrap_or(false);
        if !is_held {
            // Continuing also releases the chunks before.
            self.cancel_hold(plugin, id);
        }
        !is_held
    }

    /// Performs the first step of a phase. Returns `true` if the stream continues.
    fn begin(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        phase: Phase,
        step: Step,
    ) -> bool {
        let Step::Delay(length) = step else { return self.apply(plugin, phase, Ok(step)) };
        let now = clock::monotonic();
        let due = now.saturating_add(length);
        let is_held = self.hold(plugin, id, (now, due), Hold::Delay(phase)).is_ok();
        if is_held {
            plugin.counters.delay.record(length);
        } else {
            // Without a tick, the stream would never be resumed.
            self.disable(plugin);
        }
        !is_held
    }

    /// Holds the stream until `due`. Fails, without holding it, if the proxy refuses the tick.
    fn hold(
        self: &Rc<Self>,
        plugin: &FaultInjection,
        id: ContextId,
        (now, due): (Duration, Duration),
        hold: Hold,
    ) -> Result<()> {
        if let Some((before, _)) = self.hold.take() {
            plugin.queue.take(before, id);
        }
        plugin.queue.insert((now, due), id, Rc::clone(self))?;
        self.hold.set(Some((due, hold)));
        Ok(())
    }

    /// Removes the stream from the queue. Returns `false` if it is not held.
    fn cancel_hold(&self, plugin: &FaultInjection, id: ContextId) -> bool {
        let Some((due, _)) = self.hold.take() else { return false };
        plugin.queue.remove(due, id);
        true
    }

    /// Ends a hold, called from a tick after the deadline.
    pub(super) fn wake(self: &Rc<Self>, plugin: &FaultInjection, id: ContextId, late: Duration) {
        let Some((_, hold)) = self.hold.take() else { return };
        if hold.is_fault() {
            plugin.counters.late.record(late);
        }
        let resumed = stream::enter(id).and_then(|()| self.end_hold(plugin, hold));
        if resumed.is_err() {
            self.disable(plugin);
            let (hold, length) = hold.after_refusal();
            let due = clock::monotonic().saturating_add(length);
            // The tick is set after all streams were woken.
            plugin.queue.insert_again(due, id, Rc::clone(self));
            self.hold.set(Some((due, hold)));
        }
    }

    /// Performs the step after a hold, and resumes the stream unless it ends.
    fn end_hold(&self, plugin: &FaultInjection, hold: Hold) -> Result<()> {
        let continues = match hold {
            Hold::Delay(phase) => self.after_delay(plugin, phase),
            Hold::Body | Hold::Refused { .. } => true,
        };
        match hold.phase() {
            _ if !continues => Ok(()),
            Phase::Request => stream::resume_request(),
            Phase::Response => stream::resume_response(),
        }
    }

    /// Removes the stream from the queue and from the active faults.
    pub(super) fn on_stream_end(&self, plugin: &FaultInjection, id: ContextId) {
        if self.cancel_hold(plugin, id) {
            plugin.counters.count(Metric::Abandoned, plugin.policy.label(&self.plan));
        }
        self.release(plugin);
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
        plugin.counters.count(Metric::Errors, None);
    }
}
