//! The connection of the policy to the proxy.

use std::{cell::RefCell, rc::Rc};

use filter_core::{Generator, InvalidConfig, parse_config};
use filter_host::{
    Plugin, Setup, calls::CallId, hold_queue::HoldQueue, random, request::RequestReader,
    stream::ContextId,
};

use crate::{
    Metric, Policy,
    plugin::{
        concurrency::Concurrency, counters::Counters, counts::Counts, hold::Hold, service::Service,
        stream::Stream,
    },
};

mod admission;
mod concurrency;
mod counters;
mod counts;
mod decide;
mod hold;
mod pages;
mod response;
mod service;
mod stream;

#[cfg(test)]
mod tests;
mod waiting;

#[cfg(feature = "module")]
filter_host::entry!(RateLimit);

/// The filter in one worker, with its current configuration.
pub struct RateLimit {
    policy: Policy,
    reader: RequestReader,
    context: ContextId,
    generator: RefCell<Generator>,
    counts: Counts,
    concurrency: Concurrency,
    counters: Counters,
    queue: HoldQueue<Rc<Hold>>,
    /// `None` without `rateLimitService`.
    service: Option<Service>,
}

impl RateLimit {
    /// Creates the plugin.
    #[must_use]
    pub fn start(policy: Policy, setup: &Setup) -> Self {
        policy.warnings().iter().for_each(|warning| setup.warn(warning));
        let counts = Counts::seed(&policy);
        let concurrency = Concurrency::define(&policy);
        let counters = Counters::define(&policy, setup);
        log::info!("configuration applied");
        Self {
            reader: RequestReader::new(policy.needs()),
            context: setup.context,
            generator: RefCell::new(Generator::new(random::bits())),
            queue: HoldQueue::new(&setup.timers),
            service: policy.service().cloned().map(Service::new),
            counts,
            concurrency,
            counters,
            policy,
        }
    }
}

impl Plugin for RateLimit {
    type Stream = Stream;

    fn configure(document: &[u8], setup: &Setup) -> Result<Self, InvalidConfig> {
        Ok(Self::start(Policy::new(&parse_config(document)?)?, setup))
    }

    fn open(self: Rc<Self>, context: ContextId) -> Stream {
        Stream::new(self, context)
    }

    fn on_tick(&self) {
        self.counters.flush();
        if self.queue.wake_due(self.context, |id, hold, _| self.wake(id, &hold)).is_err() {
            self.counters.count(Metric::Errors);
        }
        self.complete_settled(self.context);
    }

    fn on_http_call_response(&self, call: CallId, body_size: usize) {
        if let Some(service) = &self.service {
            self.on_answer(service, call, body_size);
            self.complete_settled(self.context);
        }
    }
}

impl Drop for RateLimit {
    fn drop(&mut self) {
        if self.service.as_ref().is_some_and(Service::is_down) {
            self.counters.set_service_down(false);
        }
    }
}
