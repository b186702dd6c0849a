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
    is_ticking: Cell<bool>,
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
            is_ticking: Cell::new(false),
            counters: Counters::define(is_labelled),
            handoff_name: plugin_key,
            handoff: Cell::new(None),
        };
        active.ensure_ticking();
        active
    }

    /// Starts the timer unless it runs. It never stops, as a plugin can hand over at any time.
    pub(super) fn ensure_ticking(&self) {
        if self.is_ticking.get() {
            return;
        }
        let started = self.timer.every(TICK);
        if let Err(error) = &started {
            log::error!("timer not started, exports are delayed: {error:?}");
        }
        self.is_ticking.set(started.is_ok());
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
