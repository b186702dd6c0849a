//! An HTTP stream.

use std::rc::Rc;

use filter_host::{Action, headers::Map, outcome};

use super::{RoutingTags, apply::apply_response};
use crate::{Decision, Metric};

/// An HTTP stream.
pub struct Stream {
    plugin: Rc<RoutingTags>,
    /// `None` before the request, and after a failed host call.
    decision: Option<Rc<Decision>>,
    /// `true` once the end of the response was seen.
    is_end_seen: bool,
}

impl Stream {
    pub(super) const fn new(plugin: Rc<RoutingTags>) -> Self {
        Self { plugin, decision: None, is_end_seen: false }
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        let plugin = &*self.plugin;
        let decided = plugin.decide();
        let applied = decided.and_then(|decision| plugin.apply(&decision).map(|()| decision));
        match applied {
            Ok(decision) => self.decision = Some(decision),
            Err(error) => plugin.fall_back(error, Map::RequestHeaders),
        }
        Action::Continue
    }

    fn on_request_trailers(&mut self) -> Action {
        if let Err(error) = self.plugin.strip(Map::RequestTrailers) {
            self.plugin.fall_back(error, Map::RequestTrailers);
        }
        Action::Continue
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        self.is_end_seen = end_of_stream;
        let changes = self.decision.as_ref().and_then(|decision| decision.response.as_ref());
        if let Err(error) = changes.map_or(Ok(()), |changes| apply_response(changes)) {
            self.plugin.count(Metric::Errors.counter());
            log::warn!("cannot change the response: {error:?}");
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        let Some(decision) =
            self.decision.as_ref().filter(|decision| !decision.canaries.is_empty())
        else {
            return;
        };
        let outcome = outcome::read(self.is_end_seen);
        if outcome.is_answered() {
            let RoutingTags { policy, canaries, buffer, .. } = &*self.plugin;
            for index in &decision.canaries {
                canaries.observe(policy, buffer, *index, outcome.is_error());
            }
        }
    }
}
