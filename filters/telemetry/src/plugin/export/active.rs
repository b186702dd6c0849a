//! The host resources of an exporter.

use std::{cell::Cell, rc::Rc, time::Duration};

use filter_host::{
    shared_queue::SharedQueue,
    timers::{Timer, Timers},
};

use super::counters::Counters;

/// The interval at which the queues are checked.
const TICK: Duration = Duration::from_millis(200);

/// The host resources of an exporter.
pub(super) struct Active {
    pub(super) timer: Timer,
    pub(super) counters: Counters,
    /// The name of the queue through which a plugin hands its items over to its successor.
    handoff_name: String,
    /// The queue, once it is open.
    handoff: Cell<Option<SharedQueue>>,
}

impl Active {
    pub(super) fn new(is_labelled: bool, plugin_key: String, timers: &Rc<Timers>) -> Self {
        let active = Self {
            timer: Timer::new(timers),
            counters: Counters::define(is_labelled),
            handoff_name: plugin_key,
            handoff: Cell::new(None),
        };
        active.ensure_ticking();
        active
    }

    /// Starts the timer unless it runs. It never stops, as a plugin can hand over at any time.
    pub(super) fn ensure_ticking(&self) {
        self.timer.ensure_running(TICK, "exports are delayed");
    }

    /// Returns the handoff queue, and opens it on first use.
    pub(super) fn handoff(&self) -> filter_host::Result<SharedQueue> {
        if let Some(queue) = self.handoff.get() {
            return Ok(queue);
        }
        let opened = SharedQueue::open(&self.handoff_name)?;
        self.handoff.set(Some(opened));
        Ok(opened)
    }
}
