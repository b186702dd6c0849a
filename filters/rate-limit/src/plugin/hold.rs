//! Requests that are held until their turn.

use std::{cell::Cell, rc::Rc, time::Duration};

use filter_host::{
    clock,
    stream::{self, ContextId},
};

use super::RateLimit;
use crate::Metric;

/// Time after which a request that the proxy refused to resume is resumed again.
const RETRY: Duration = Duration::from_millis(100);

/// A request that waits for its turn; shared by its stream and the queue.
pub(super) struct Hold {
    /// The deadline; `None` if the request is not held any more.
    due: Cell<Option<Duration>>,
}

impl RateLimit {
    /// Holds a request. Returns `None` if the proxy refuses the tick; the request then continues.
    pub(super) fn hold(&self, id: ContextId, wait: Duration) -> Option<Rc<Hold>> {
        let now = clock::monotonic();
        let due = now.saturating_add(wait);
        let hold = Rc::new(Hold { due: Cell::new(Some(due)) });
        if self.queue.insert((now, due), id, Rc::clone(&hold)).is_err() {
            self.counters.count(Metric::Errors);
            return None;
        }
        self.counters.count(Metric::Waited);
        self.counters.record_wait(wait);
        self.counters.add_waiting(1);
        Some(hold)
    }

    /// Resumes a request whose turn has come.
    pub(super) fn wake(&self, id: ContextId, hold: &Rc<Hold>) {
        if stream::enter(id).and_then(|()| stream::resume_request()).is_ok() {
            hold.due.set(None);
            self.counters.add_waiting(-1);
            return;
        }
        self.counters.count(Metric::Errors);
        let due = clock::monotonic().saturating_add(RETRY);
        hold.due.set(Some(due));
        self.queue.insert_again(due, id, Rc::clone(hold));
    }

    /// Ends a hold whose stream has ended or was answered by the proxy.
    pub(super) fn end_hold(&self, id: ContextId, hold: &Hold) {
        if let Some(due) = hold.due.take() {
            self.queue.remove(due, id);
            self.counters.add_waiting(-1);
        }
    }
}
