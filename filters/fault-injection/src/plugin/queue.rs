//! The queue of held streams, and the tick that resumes them.

use std::{rc::Rc, time::Duration};

use filter_host::{
    Result, clock,
    stream::{self, ContextId},
};

use super::{FaultInjection, active_fault::ActiveFault};
use crate::Metric;

impl FaultInjection {
    /// Ends the holds whose deadline has passed, called on each tick.
    pub(super) fn wake_due_streams(&self) {
        let mut now = clock::monotonic();
        let mut has_entered = false;
        // `wake` can queue the stream again, so the queue must not be borrowed during the call.
        while let Some((due, context, fault)) = { self.queue.borrow_mut().pop_due(now) } {
            has_entered = true;
            fault.wake(self, context, now.saturating_sub(due));
            now = clock::monotonic();
        }
        if has_entered {
            let _ = stream::enter(self.context);
        }
        // Ticks repeat until `schedule_tick` changes or disables them.
        self.next_tick.set(Some(Duration::MAX));
        if self.schedule_tick(now).is_err() {
            self.counters.count(Metric::Errors, None);
        }
    }

    /// Queues a stream until `due`. Fails, without queueing it, if the proxy refuses the tick.
    pub(super) fn enqueue(
        &self,
        (now, due): (Duration, Duration),
        context: ContextId,
        fault: Rc<ActiveFault>,
    ) -> Result<()> {
        self.queue.borrow_mut().insert(due, context, fault);
        self.schedule_tick(now).inspect_err(|_| drop(self.queue.borrow_mut().remove(due, context)))
    }

    /// Removes a stream from the queue.
    pub(super) fn dequeue(&self, due: Duration, context: ContextId) {
        self.queue.borrow_mut().remove(due, context);
        // On failure, a superfluous tick comes and calls this again.
        let _ = self.schedule_tick(clock::monotonic());
    }

    /// Sets the tick to the nearest deadline; disables it if the queue is empty.
    fn schedule_tick(&self, now: Duration) -> Result<()> {
        let wake_after = self.queue.borrow().wake_after(now);
        let at = wake_after.map(|after| now.saturating_add(after));
        match (wake_after, self.next_tick.get()) {
            (None, None) => {}
            // The next tick is early enough.
            (Some(_), Some(tick)) if at.is_some_and(|at| tick <= at) => {}
            (None, Some(_)) => {
                self.timer.stop()?;
                self.next_tick.set(None);
            }
            (Some(after), _) => {
                self.timer.every(after)?;
                self.next_tick.set(at);
            }
        }
        Ok(())
    }
}
