//! Connects the policy to the proxy.

use std::{rc::Rc, time::Duration};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Result, Setup,
    metric_buffer::{BufferedMetric, MetricBuffer},
    random,
    request::RequestReader,
    stream::ContextId,
};

use crate::{Counter, Decision, Inputs, Policy};

mod apply;
mod canaries;
mod refresh;
mod stream;
#[cfg(test)]
mod tests;

use canaries::Canaries;
use refresh::CachedTime;
use stream::Stream;

#[cfg(feature = "module")]
filter_host::entry!(RoutingTags);

/// The interval at which the metrics are flushed.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// The filter in one worker, with its current configuration.
pub struct RoutingTags {
    policy: Policy,
    reader: RequestReader,
    buffer: MetricBuffer,
    /// Indexed by [`Counter::index`].
    counters: Vec<BufferedMetric>,
    canaries: Canaries,
    /// `None` if no decision depends on the time.
    time: Option<CachedTime>,
}

impl RoutingTags {
    /// Creates the plugin; `document` is the text of its configuration.
    #[must_use]
    pub fn start(policy: Policy, document: &[u8], setup: &Setup) -> Self {
        for warning in policy.warnings() {
            setup.warn(warning);
        }
        let buffer = MetricBuffer::new(&setup.timers, FLUSH_INTERVAL);
        let plugin = Self {
            counters: policy.counters().iter().map(|name| buffer.counter(name)).collect(),
            canaries: Canaries::new(&policy, document, &buffer),
            buffer,
            reader: RequestReader::new(policy.needs()),
            time: policy.uses_time().then(|| CachedTime::new(&setup.timers)),
            policy,
        };
        plugin.refresh();
        plugin
    }
}

impl Plugin for RoutingTags {
    type Stream = Stream;

    fn configure(document: &[u8], setup: &Setup) -> std::result::Result<Self, InvalidConfig> {
        Ok(Self::start(Policy::new(&parse_config(document)?)?, document, setup))
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Stream {
        Stream::new(self)
    }

    fn on_tick(&self) {
        self.buffer.flush();
        self.refresh_if_due();
    }
}

impl RoutingTags {
    fn count(&self, counter: Counter) {
        if let Some(metric) = self.counters.get(counter.index()) {
            self.buffer.add(*metric, 1);
        }
    }

    fn decide(&self) -> Result<Rc<Decision>> {
        let request = self.reader.read()?;
        let is_rolled_back = |index: usize| self.canaries.is_rolled_back(index);
        let mut inputs = Inputs {
            now: self.now()?,
            random_bits: &mut random::bits,
            is_rolled_back: &is_rolled_back,
        };
        Ok(self.policy.decide(&request, &mut inputs))
    }
}
