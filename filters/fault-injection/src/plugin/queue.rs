//! The queue of streams that wait, and the tick that serves it.

use std::{rc::Rc, time::Duration};

use filter_host::{Result, clock, stream::ContextId};

use super::{FaultInjection, held::Held};

impl FaultInjection {
    /// Reads the clock by which streams wait.
    pub(super) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Puts a stream in the queue until `due`; where the proxy refuses the tick that would end its
    /// wait, it does not wait.
    pub(super) fn wait(&self, due: Duration, context: ContextId, held: Rc<Held>) -> Result<()> {
        self.waiting.borrow_mut().add(due, context, held);
        self.rearm().inspect_err(|_| drop(self.waiting.borrow_mut().remove(due, context)))
    }

    /// Takes a stream out of the queue; whether it was there.
    pub(super) fn forget(&self, due: Duration, context: ContextId) -> bool {
        let was_there = self.waiting.borrow_mut().remove(due, context).is_some();
        // A tick too many does no harm, and the next one asks again.
        let _ = self.rearm();
        was_there
    }

    /// Asks for a tick at the nearest deadline, or for none when nothing waits.
    pub(super) fn rearm(&self) -> Result<()> {
        let now = self.now();
        let wake_after = self.waiting.borrow().wake_after(now);
        let at = wake_after.map(|after| now.saturating_add(after));
        match (wake_after, self.awake.get()) {
            (None, None) => {}
            // A tick that comes in time needs no second one.
            (Some(_), Some(tick)) if at.is_some_and(|at| tick <= at) => {}
            (None, Some(_)) => {
                clock::stop_ticking()?;
                self.awake.set(None);
            }
            (Some(after), _) => {
                clock::tick_every(after)?;
                self.awake.set(at);
            }
        }
        Ok(())
    }
}
