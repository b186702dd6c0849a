//! Connects the policy to the proxy.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Setup, clock, hold_queue::HoldQueue, random, request::RequestReader, stream::ContextId,
};

use crate::{
    Generator, Metric, Policy,
    plugin::{active_fault::ActiveFault, counters::Counters, shared::Shared, stream::Stream},
};

mod active_fault;
mod counters;
mod decide;
mod response_body;
mod shared;
mod stream;
#[cfg(test)]
mod tests;

#[cfg(feature = "module")]
filter_host::entry!(FaultInjection);

/// The filter in one worker, with its current configuration.
pub struct FaultInjection {
    policy: Policy,
    reader: RequestReader,
    context: ContextId,
    generator: RefCell<Generator>,
    queue: HoldQueue<Rc<ActiveFault>>,
    /// Unix time in seconds of the last check of the schedules.
    last_schedule_check: Cell<u64>,
    /// [`Policy::schedule_state`] at the last check.
    schedule_state: RefCell<Vec<u8>>,
    shared: Shared,
    counters: Counters,
}

impl FaultInjection {
    /// Creates the plugin; `document` is the text of its configuration.
    #[must_use]
    pub fn start(policy: Policy, document: &[u8], setup: &Setup) -> Self {
        // Without a time, the first request sets the state and logs no transition.
        let now = if policy.has_schedules() { clock::now().ok() } else { None };
        let expiry_warnings = now.map(|now| policy.expiry_warnings(now)).unwrap_or_default();
        policy.warnings().iter().chain(&expiry_warnings).for_each(|warning| setup.warn(warning));
        let schedule_state = now.map(|now| policy.schedule_state(now)).unwrap_or_default();
        let shared = Shared::new(&policy, document, &schedule_state);
        let counters = Counters::define(&policy);
        if let Ok(is_stopped) = shared.is_stopped(&policy) {
            counters.stopped.set(u64::from(is_stopped));
        }
        log::info!("configuration applied");
        Self {
            generator: RefCell::new(Generator::new(random::bits())),
            queue: HoldQueue::new(&setup.timers),
            last_schedule_check: Cell::new(0),
            schedule_state: RefCell::new(schedule_state),
            reader: RequestReader::new(policy.needs()),
            policy,
            context: setup.context,
            shared,
            counters,
        }
    }
}

impl Plugin for FaultInjection {
    type Stream = Stream;

    fn configure(document: &[u8], setup: &Setup) -> std::result::Result<Self, InvalidConfig> {
        Ok(Self::start(Policy::new(&parse_config(document)?)?, document, setup))
    }

    fn open(self: Rc<Self>, context: ContextId) -> Stream {
        Stream::new(self, context)
    }

    fn on_tick(&self) {
        let woken =
            self.queue.wake_due(self.context, |stream, fault, late| fault.wake(self, stream, late));
        if woken.is_err() {
            self.counters.count(Metric::Errors, None);
        }
    }
}
