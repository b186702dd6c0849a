//! Joins the policy to the proxy: reads the request, asks, does what it is told.

use std::{rc::Rc, time::SystemTime};

use filter_core::{InvalidConfig, Request, parse_config};
use filter_host::{
    HostError, Plugin, Result, Root, clock,
    headers::{self, Map},
    metrics,
    proxy_wasm::{
        self,
        traits::{Context, HttpContext},
        types::Action,
    },
    random, request,
    stream::ContextId,
};

use crate::{Config, Counter, Decision, Event, OnResponse, Policy, World};

mod carry_out;
mod ramps;

use ramps::Ramps;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<RoutingTags>::boxed);
}}

/// The filter with its configuration in force.
struct RoutingTags {
    policy: Policy,
    counters: Vec<metrics::Counter>,
    ramps: Ramps,
}

impl Plugin for RoutingTags {
    fn configure(document: &[u8], _context: ContextId) -> std::result::Result<Self, InvalidConfig> {
        let config: Config = parse_config(document)?;
        let policy = Policy::new(&config)?;
        for warning in policy.warnings() {
            log::warn!("{warning}");
        }
        let counters = policy.counters().iter().map(|name| metrics::Counter::define(name));
        Ok(Self { counters: counters.collect(), ramps: Ramps::new(&policy, document), policy })
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Stream { plugin: self, response: None, canaries: Vec::new() })
    }
}

/// One request, from its headers to its end.
struct Stream {
    plugin: Rc<RoutingTags>,
    response: Option<Rc<OnResponse>>,
    canaries: Vec<usize>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let plugin = Rc::clone(&self.plugin);
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
        self.observe(Map::ResponseHeaders);
        let done = self.response.take().map_or(Ok(()), |response| carry_out::answer(&response));
        if let Err(error) = done {
            self.plugin.count(Event::Errors.counter());
            log::warn!("an answer could not be changed: {error:?}");
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _trailers: usize) -> Action {
        self.observe(Map::ResponseTrailers);
        Action::Continue
    }
}

impl Stream {
    /// Counts the answer for its canaries, once it is known whether it is an error.
    fn observe(&mut self, map: Map) {
        for place in std::mem::take(&mut self.canaries) {
            if !self.plugin.ramps.observe(&self.plugin.policy, place, map) {
                self.canaries.push(place);
            }
        }
    }
}

impl RoutingTags {
    fn decide(&self) -> Result<Rc<Decision>> {
        let reading = request::read(self.policy.needs())?;
        let decision = self.ask(&reading.request)?;
        if reading.is_whole || !self.is_doubtful(&reading.request, &decision)? {
            return Ok(decision);
        }
        self.ask(&request::read_whole(self.policy.needs())?.request)
    }

    /// Says whether the decision could be another one if further values of headers were known.
    fn is_doubtful(&self, request: &Request, decision: &Decision) -> Result<bool> {
        match self.policy.wants_all_values(request, decision).as_slice() {
            [] => Ok(false),
            [name] => request::has_more_values(request, name),
            _ => Ok(true),
        }
    }

    fn ask(&self, request: &Request) -> Result<Rc<Decision>> {
        let now = if self.policy.tells_time() { clock::now()? } else { SystemTime::UNIX_EPOCH };
        let rolled_back = |place: usize| self.ramps.is_rolled_back(place);
        let mut world = World { now, bits: &mut random::bits, rolled_back: &rolled_back };
        Ok(self.policy.decide(request, &mut world))
    }

    fn give_up(&self, error: HostError) -> Rc<Decision> {
        log::error!("a host call failed: {error:?}");
        self.policy.give_up()
    }

    fn count(&self, counter: Counter) {
        if let Some(counter) = self.counters.get(counter.index()) {
            counter.increment();
        }
    }
}
