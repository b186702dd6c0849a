//! Streams that a filter holds until a deadline.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use crate::{
    clock,
    host_error::Result,
    stream::{self, ContextId},
    timers::{Timer, Timers},
};

mod delay_queue;

use delay_queue::DelayQueue;

/// The held streams of a plugin, and the timer that wakes them.
///
/// The timer runs only while a stream is held, for the nearest deadline. Deadlines are readings of
/// the monotonic clock; a stream is woken late by at most one tick, never early.
pub struct HoldQueue<T> {
    queue: RefCell<DelayQueue<T>>,
    /// Time of the next tick; `None` if ticks are disabled.
    next_tick: Cell<Option<Duration>>,
    timer: Timer,
}

impl<T> HoldQueue<T> {
    /// Creates an empty queue.
    #[must_use]
    pub fn new(timers: &Rc<Timers>) -> Self {
        Self { queue: RefCell::default(), next_tick: Cell::new(None), timer: Timer::new(timers) }
    }

    /// Returns the number of held streams.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Returns `true` if no stream is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    /// Adds a stream that is held from `now` until `due`.
    ///
    /// # Errors
    ///
    /// Fails, without adding it, if the proxy refuses the tick: it would never be woken.
    pub fn insert(
        &self,
        (now, due): (Duration, Duration),
        stream: ContextId,
        value: T,
    ) -> Result<()> {
        self.queue.borrow_mut().insert(due, stream, value);
        self.schedule_tick(now).inspect_err(|_| drop(self.take(due, stream)))
    }

    /// Adds a stream again during [`HoldQueue::wake_due`], which sets the tick afterwards.
    pub fn insert_again(&self, due: Duration, stream: ContextId, value: T) {
        self.queue.borrow_mut().insert(due, stream, value);
    }

    /// Removes a stream but keeps the tick, for a stream that is then added with another deadline.
    pub fn take(&self, due: Duration, stream: ContextId) -> Option<T> {
        self.queue.borrow_mut().remove(due, stream)
    }

    /// Removes a stream, and disables the tick if it was the last one.
    pub fn remove(&self, due: Duration, stream: ContextId) {
        let removed = self.take(due, stream);
        drop(removed);
        // On failure, a superfluous tick follows, which schedules the next one.
        let _ = self.schedule_tick(clock::monotonic());
    }

    /// Calls `wake` with each stream whose deadline has passed and its lateness; to be called on
    /// each tick.
    ///
    /// `wake` may enter the context of the stream; `plugin` is entered afterwards.
    ///
    /// # Errors
    ///
    /// Fails if the proxy refuses the next tick; the current period then continues.
    pub fn wake_due(
        &self,
        plugin: ContextId,
        mut wake: impl FnMut(ContextId, T, Duration),
    ) -> Result<()> {
        if !self.timer.is_due() {
            return Ok(());
        }
        let mut now = clock::monotonic();
        let mut has_entered = false;
        // `wake` can queue the stream again, so the queue must not be borrowed during the call.
        while let Some((due, stream, value)) = { self.queue.borrow_mut().pop_due(now) } {
            has_entered = true;
            wake(stream, value, now.saturating_sub(due));
            now = clock::monotonic();
        }
        if has_entered {
            let _ = stream::enter(plugin);
        }
        // Ticks repeat until `schedule_tick` changes or disables them.
        self.next_tick.set(Some(Duration::MAX));
        self.schedule_tick(now)
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
