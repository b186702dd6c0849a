//! Connects the policy to the proxy.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, SystemTime},
};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    HostError, Plugin, Result, Setup, clock,
    metric_buffer::{BufferedMetric, MetricBuffer},
    random,
    request::RequestReader,
    stream::ContextId,
    timers::Timer,
};

use crate::{Config, Counter, Decision, Inputs, Policy};

mod apply;
mod canaries;
mod stream;
#[cfg(test)]
mod tests;

use canaries::Canaries;
use stream::Stream;

#[cfg(feature = "module")]
filter_host::entry!(RoutingTags);

/// The interval at which the metrics are flushed and the clock is read.
const TICK: Duration = Duration::from_secs(1);

/// The filter in one worker, with its current configuration.
pub struct RoutingTags {
    policy: Policy,
    reader: RequestReader,
    buffer: MetricBuffer,
    /// Indexed by [`Counter::index`].
    counters: Vec<BufferedMetric>,
    canaries: Canaries,
    /// Time of the last tick; `None` if a decision may change before the next tick.
    ///
    /// Reading the clock for each request costs more than hashing a key.
    cached_now: Cell<Option<SystemTime>>,
    /// Runs if the policy uses the time.
    refresh_timer: Timer,
}

impl RoutingTags {
    /// Creates the plugin from its configuration; `document` is the text that it came from.
    ///
    /// # Errors
    ///
    /// Returns all errors of rules that involve several fields.
    pub fn from_config(
        config: &Config,
        document: &[u8],
        setup: &Setup,
    ) -> std::result::Result<Self, InvalidConfig> {
        let policy = Policy::new(config)?;
        for warning in policy.warnings() {
            setup.warn(warning);
        }
        let buffer = MetricBuffer::new(&setup.timers, TICK);
        let plugin = Self {
            counters: policy.counters().iter().map(|name| buffer.counter(name)).collect(),
            buffer,
            canaries: Canaries::new(&policy, document),
            reader: RequestReader::new(policy.needs()),
            policy,
            cached_now: Cell::new(None),
            refresh_timer: Timer::new(&setup.timers),
        };
        plugin.start_refreshing();
        Ok(plugin)
    }
}

impl Plugin for RoutingTags {
    type Stream = Stream;

    fn configure(document: &[u8], setup: &Setup) -> std::result::Result<Self, InvalidConfig> {
        Self::from_config(&parse_config(document)?, document, setup)
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Stream {
        Stream::new(self)
    }

    fn on_tick(&self) {
        self.buffer.flush();
        if self.refresh_timer.is_due() {
            self.refresh();
        }
    }
}

impl RoutingTags {
    /// Starts to refresh the time and the canaries, if the policy uses them.
    fn start_refreshing(&self) {
        if !self.policy.uses_time() {
            return;
        }
        self.refresh();
        if let Err(error) = self.refresh_timer.every(TICK) {
            log::error!("timer not started, the clock is read for each request: {error:?}");
            self.cached_now.set(None);
        }
    }

    /// Reads the clock, and the rollbacks by other workers.
    fn refresh(&self) {
        self.cached_now.set(None);
        let Ok(now) = clock::now() else { return };
        self.canaries.refresh(&self.policy, now);
        let is_unchanged = |later: &SystemTime| self.policy.is_unchanged(now, *later);
        let later = now.checked_add(TICK.saturating_mul(3)).filter(is_unchanged);
        self.cached_now.set(later.map(|_| now));
    }

    fn count(&self, counter: Counter) {
        if let Some(metric) = self.counters.get(counter.index()) {
            self.buffer.add(*metric, 1);
        }
    }

    fn decide(&self) -> Result<Rc<Decision>> {
        let request = self.reader.read()?;
        let now = match self.cached_now.get() {
            Some(now) => now,
            None if self.policy.uses_time() => clock::now()?,
            None => SystemTime::UNIX_EPOCH,
        };
        let is_rolled_back = |index: usize| self.canaries.is_rolled_back(index);
        let mut inputs =
            Inputs { now, random_bits: &mut random::bits, is_rolled_back: &is_rolled_back };
        Ok(self.policy.decide(&request, &mut inputs))
    }

    /// Returns the decision after a failed host call.
    fn fallback(&self, error: HostError) -> Rc<Decision> {
        log::error!("a host call failed: {error:?}");
        self.policy.fallback()
    }
}
