//! Requests that are held: until their turn, or until the rate-limit service has answered.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use filter_host::{
    clock,
    stream::{self, ContextId},
};

use super::{
    RateLimit,
    decide::{Admitted, Outcome},
    waiting::Waiting,
};
use crate::Metric;

/// Time until another attempt to resume a request after the proxy refused.
const RETRY: Duration = Duration::from_millis(100);

/// A held request; shared by its stream and the queue.
pub(super) struct Hold {
    /// The deadline; `None` if the request is no longer held.
    due: Cell<Option<Duration>>,
    /// `None` if the request waits for its turn.
    waiting: RefCell<Option<Rc<Waiting>>>,
    /// The decision, if it was made during the hold.
    admitted: RefCell<Option<Box<Admitted>>>,
}

impl Hold {
    /// Returns the decision, if it was made during the hold.
    pub(super) fn take_admitted(&self) -> Option<Box<Admitted>> {
        self.admitted.take()
    }
}

impl RateLimit {
    /// Holds a request until its turn. Returns `None` if the proxy refuses the tick.
    pub(super) fn hold(&self, id: ContextId, wait: Duration) -> Option<Rc<Hold>> {
        self.insert(id, wait, None)
    }

    /// Holds a request until the rate-limit service has answered.
    pub(super) fn hold_for_service(
        &self,
        waiting: &Rc<Waiting>,
        timeout: Duration,
    ) -> Option<Rc<Hold>> {
        let hold = self.insert(waiting.id, timeout, Some(Rc::clone(waiting)))?;
        waiting.set_hold(&hold);
        Some(hold)
    }

    fn insert(
        &self,
        id: ContextId,
        time: Duration,
        waiting: Option<Rc<Waiting>>,
    ) -> Option<Rc<Hold>> {
        let hold = Rc::new(Hold {
            due: Cell::new(None),
            waiting: RefCell::new(waiting),
            admitted: RefCell::default(),
        });
        self.start_hold(id, &hold, time).then_some(hold)
    }

    /// Starts a hold. Returns `false` if the proxy refuses the tick.
    fn start_hold(&self, id: ContextId, hold: &Rc<Hold>, time: Duration) -> bool {
        let now = clock::monotonic();
        let due = now.saturating_add(time);
        if self.queue.insert((now, due), id, Rc::clone(hold)).is_err() {
            self.counters.count(Metric::Errors);
            return false;
        }
        hold.due.set(Some(due));
        self.counters.add_waiting(1);
        if hold.waiting.borrow().is_none() {
            self.counters.count(Metric::Waited);
            self.counters.record_wait(time);
        }
        true
    }

    /// Ends a hold whose deadline has passed.
    pub(super) fn wake(&self, id: ContextId, hold: &Rc<Hold>) {
        hold.due.set(None);
        self.counters.add_waiting(-1);
        let waiting = hold.waiting.take();
        match waiting {
            Some(waiting) => self.complete(&waiting),
            None => self.resume(id, hold),
        }
    }

    /// Ends a hold whose stream has ended or has a response from the proxy.
    pub(super) fn end_hold(&self, id: ContextId, hold: &Hold) {
        if let Some(due) = hold.due.take() {
            self.queue.remove(due, id);
            self.counters.add_waiting(-1);
        }
        if let Some(waiting) = hold.waiting.take()
            && waiting.end()
            && let Some(service) = &self.service
        {
            service.leave(&waiting);
        }
    }

    /// Decides about a request whose limits the service has counted, or that has waited long
    /// enough.
    pub(super) fn complete(&self, waiting: &Rc<Waiting>) {
        let (Some(service), Some(hold)) = (&self.service, waiting.hold()) else { return };
        if !waiting.end() {
            return;
        }
        service.leave(waiting);
        hold.waiting.take();
        if let Some(due) = hold.due.take() {
            self.queue.remove(due, waiting.id);
            self.counters.add_waiting(-1);
        }
        // A request that has ended gives its units back.
        if stream::enter(waiting.id).is_err() {
            service.give_back(waiting);
            return;
        }
        let is_dry_run = self.policy.is_dry_run();
        match self.finish_held(service, waiting) {
            Outcome::Refused => {}
            Outcome::Admitted(admitted) => {
                let wait = admitted.admission.wait;
                hold.admitted.replace(Some(admitted));
                if is_dry_run || wait.is_zero() || !self.start_hold(waiting.id, &hold, wait) {
                    self.resume_unless_passed(waiting.id, &hold);
                }
            }
            Outcome::Passed | Outcome::Waiting(_) => self.resume_unless_passed(waiting.id, &hold),
        }
    }

    /// Decides about the requests that no longer wait for the service; then enters `context` again.
    pub(super) fn complete_settled(&self, context: ContextId) {
        let Some(service) = &self.service else { return };
        let mut has_entered = false;
        loop {
            let settled = service.take_settled();
            if settled.is_empty() {
                break;
            }
            has_entered = true;
            settled.iter().for_each(|waiting| self.complete(waiting));
        }
        if has_entered {
            let _ = stream::enter(context);
        }
    }

    /// Resumes a request, unless it passed because of a dry run.
    fn resume_unless_passed(&self, id: ContextId, hold: &Rc<Hold>) {
        if !self.policy.is_dry_run() {
            self.resume(id, hold);
        }
    }

    /// Resumes a request, later if the proxy refuses.
    fn resume(&self, id: ContextId, hold: &Rc<Hold>) {
        if stream::enter(id).and_then(|()| stream::resume_request()).is_ok() {
            return;
        }
        self.counters.count(Metric::Errors);
        let now = clock::monotonic();
        let due = now.saturating_add(RETRY);
        if self.queue.insert((now, due), id, Rc::clone(hold)).is_ok() {
            hold.due.set(Some(due));
            self.counters.add_waiting(1);
        }
    }
}
