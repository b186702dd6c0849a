//! Joins the policy to the proxy: reads the request, asks, does what it is told.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, SystemTime},
};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    HostError, Plugin, Result, Root, clock,
    metric_buffer::{BufferedMetric, MetricBuffer},
    proxy_wasm::{self, traits::HttpContext},
    random,
    request::RequestReader,
    stream::ContextId,
};

use crate::{Config, Counter, Decision, Policy, World};

mod carry_out;
mod ramps;
mod stream;

use ramps::Ramps;
use stream::Stream;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<RoutingTags>::boxed);
}}

/// How long a count may stay in the worker.
const TICK: Duration = Duration::from_secs(1);

/// The filter with its configuration in force.
struct RoutingTags {
    policy: Policy,
    reader: RequestReader,
    buffer: MetricBuffer,
    /// By [`Counter::index`].
    counters: Vec<BufferedMetric>,
    ramps: Ramps,
    /// The time of day at the last tick, while nothing changes until well after the next one.
    ///
    /// Looking at the clock in each request costs more than hashing a key.
    settled: Cell<Option<SystemTime>>,
}

impl Plugin for RoutingTags {
    fn configure(document: &[u8], _context: ContextId) -> std::result::Result<Self, InvalidConfig> {
        let config: Config = parse_config(document)?;
        let policy = Policy::new(&config)?;
        for warning in policy.warnings() {
            log::warn!("{warning}");
        }
        let buffer = MetricBuffer::new(TICK, policy.tells_time());
        let plugin = Self {
            counters: policy.counters().iter().map(|name| buffer.counter(name)).collect(),
            buffer,
            ramps: Ramps::new(&policy, document),
            reader: RequestReader::new(policy.needs()),
            policy,
            settled: Cell::new(None),
        };
        plugin.look_around();
        Ok(plugin)
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Stream::new(self))
    }

    fn on_tick(&self) {
        self.buffer.flush();
        self.look_around();
    }
}

impl RoutingTags {
    /// Looks at the clock, and at what other workers learnt about canaries.
    fn look_around(&self) {
        if !self.policy.tells_time() {
            return;
        }
        self.settled.set(None);
        let Ok(now) = clock::now() else { return };
        self.ramps.refresh(&self.policy, now);
        let is_settled = |later: &SystemTime| self.policy.is_settled(now, *later);
        self.settled.set(now.checked_add(TICK.saturating_mul(3)).filter(is_settled).map(|_| now));
    }

    /// Counts one.
    fn count(&self, counter: Counter) {
        if let Some(tallied) = self.counters.get(counter.index()) {
            self.buffer.add(*tallied, 1);
        }
    }

    fn decide(&self) -> Result<Rc<Decision>> {
        let request = self.reader.read()?;
        let now = match self.settled.get() {
            Some(now) => now,
            None if self.policy.tells_time() => clock::now()?,
            None => SystemTime::UNIX_EPOCH,
        };
        let rolled_back = |place: usize| self.ramps.is_rolled_back(place);
        let mut world = World { now, bits: &mut random::bits, rolled_back: &rolled_back };
        Ok(self.policy.decide(&request, &mut world))
    }

    fn give_up(&self, error: HostError) -> Rc<Decision> {
        log::error!("a host call failed: {error:?}");
        self.policy.give_up()
    }
}
