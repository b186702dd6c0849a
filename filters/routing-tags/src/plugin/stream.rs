//! A request on its way through the proxy.

use std::rc::Rc;

use filter_host::{
    headers::{self, Map},
    proxy_wasm::{
        traits::{Context, HttpContext},
        types::Action,
    },
};

use super::{RoutingTags, answer::Answer, carry_out};
use crate::{Event, OnResponse};

/// One request, from its headers to its end.
pub(super) struct Stream {
    plugin: Rc<RoutingTags>,
    response: Option<Rc<OnResponse>>,
    canaries: Vec<usize>,
    answer: Option<Answer>,
}

impl Stream {
    pub(super) fn new(plugin: Rc<RoutingTags>) -> Self {
        Self { plugin, response: None, canaries: Vec::new(), answer: None }
    }
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
            self.plugin.count(Event::Errors.counter());
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
