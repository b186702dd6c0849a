//! An HTTP stream.

use std::rc::Rc;

use filter_host::{
    Action,
    headers::{self, Map},
    outcome,
};

use super::{RoutingTags, apply::apply_response};
use crate::{Metric, ResponseChanges};

/// An HTTP stream.
pub struct Stream {
    plugin: Rc<RoutingTags>,
    response: Option<Rc<ResponseChanges>>,
    /// Indices of the entries whose canary serves the request.
    canaries: Vec<usize>,
    /// `true` once the end of the response was seen.
    is_end_seen: bool,
}

impl Stream {
    pub(super) fn new(plugin: Rc<RoutingTags>) -> Self {
        Self { plugin, response: None, canaries: Vec::new(), is_end_seen: false }
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        let plugin = &*self.plugin;
        let decision = plugin.decide().unwrap_or_else(|error| plugin.fallback(error));
        if let Err(error) = plugin.apply(&decision) {
            let _ = plugin.apply(&plugin.fallback(error));
        }
        self.response.clone_from(&decision.response);
        self.canaries.clone_from(&decision.canaries);
        Action::Continue
    }

    fn on_request_trailers(&mut self) -> Action {
        let trailers = headers::named(Map::RequestTrailers, |name| name == b"baggage");
        for edits in self.plugin.policy.trailer_edits(&trailers.unwrap_or_default()) {
            let _ = headers::apply(Map::RequestTrailers, &edits);
        }
        Action::Continue
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        self.is_end_seen = end_of_stream;
        let applied = self.response.take().map_or(Ok(()), |changes| apply_response(&changes));
        if let Err(error) = applied {
            self.plugin.count(Metric::Errors.counter());
            log::warn!("cannot change the response: {error:?}");
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        if self.canaries.is_empty() {
            return;
        }
        let outcome = outcome::read(self.is_end_seen);
        if outcome.is_answered() {
            let RoutingTags { policy, canaries, .. } = &*self.plugin;
            for index in &self.canaries {
                canaries.observe(policy, *index, outcome.is_error());
            }
        }
    }
}
