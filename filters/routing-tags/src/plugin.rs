//! Joins the policy to the proxy: reads the request, asks, does what it is told.

use std::{cell::Cell, rc::Rc, time::SystemTime};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    HostError, Plugin, Result, Root, clock,
    headers::{self, Map},
    proxy_wasm::{
        self,
        traits::{Context, HttpContext},
        types::Action,
    },
    random, request,
    stream::ContextId,
};

use crate::{Config, Decision, Event, OnResponse, Policy, World};

mod answer;
mod carry_out;
mod counts;
mod ramps;

use answer::Answer;
use counts::{Counts, TICK};
use ramps::Ramps;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<RoutingTags>::boxed);
}}

/// The filter with its configuration in force.
struct RoutingTags {
    policy: Policy,
    counts: Counts,
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
        let plugin = Self {
            counts: Counts::new(policy.counters(), policy.tells_time()),
            ramps: Ramps::new(&policy, document),
            policy,
            settled: Cell::new(None),
        };
        plugin.look_around();
        Ok(plugin)
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Stream { plugin: self, response: None, canaries: Vec::new(), answer: None })
    }

    fn on_tick(&self) {
        self.counts.flush();
        self.look_around();
    }
}

/// One request, from its headers to its end.
struct Stream {
    plugin: Rc<RoutingTags>,
    response: Option<Rc<OnResponse>>,
    canaries: Vec<usize>,
    answer: Option<Answer>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let plugin = &*self.plugin;
        let decision = plugin.decide().unwrap_or_else(|error| plugin.give_up(error));
        if let Err(error) = plugin.obey(&decision) {
            let _ = plugin.obey(&plugin.give_up(error));
        }
        self.response.clone_from(&decision.response);
        self.canaries.clone_from(&decision.canaries);
        Action::Continue
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        for name in self.plugin.policy.stripped_trailers() {
            let _ = headers::remove(Map::RequestTrailers, name.as_str());
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        if !self.canaries.is_empty() {
            self.answer = Some(Answer::read());
        }
        let done = self.response.take().map_or(Ok(()), |response| carry_out::answer(&response));
        if let Err(error) = done {
            self.plugin.counts.add(Event::Errors.counter());
            log::warn!("an answer could not be changed: {error:?}");
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _trailers: usize) -> Action {
        self.answer.iter_mut().for_each(Answer::read_trailers);
        Action::Continue
    }
}

/// The stream has ended: what a canary answered is known now. One that never answered counts not.
impl Drop for Stream {
    fn drop(&mut self) {
        let Some(answer) = &self.answer else { return };
        let RoutingTags { policy, ramps, .. } = &*self.plugin;
        let is_error = policy.is_error(answer.status, answer.grpc_status);
        for place in &self.canaries {
            ramps.observe(policy, *place, is_error);
        }
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

    fn decide(&self) -> Result<Rc<Decision>> {
        let request = request::read_all_values(self.policy.needs())?;
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
