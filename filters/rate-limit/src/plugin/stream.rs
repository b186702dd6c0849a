//! An HTTP stream.

use std::rc::Rc;

use filter_host::{Action, headers::Map, stream::ContextId};

use super::{
    RateLimit,
    decide::{Admitted, Outcome},
    hold::Hold,
};

/// An HTTP stream.
pub struct Stream {
    plugin: Rc<RateLimit>,
    id: ContextId,
    /// `None` if no limit applies to the request, or it was refused.
    admitted: Option<Box<Admitted>>,
    /// `None` if the request was not held.
    hold: Option<Rc<Hold>>,
}

impl Stream {
    pub(super) const fn new(plugin: Rc<RateLimit>, id: ContextId) -> Self {
        Self { plugin, id, admitted: None, hold: None }
    }

    fn end_hold(&mut self) {
        if let Some(hold) = self.hold.take() {
            self.plugin.end_hold(self.id, &hold);
            self.admitted = self.admitted.take().or_else(|| hold.take_admitted());
        }
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        let outcome = self.plugin.decide(self.id);
        self.plugin.complete_settled(self.id);
        match outcome {
            Outcome::Passed => Action::Continue,
            Outcome::Refused => Action::Pause,
            Outcome::Waiting(hold) => {
                self.hold = Some(hold);
                // In a dry run the answer is only counted.
                if self.plugin.policy.is_dry_run() { Action::Continue } else { Action::Pause }
            }
            Outcome::Admitted(admitted) => {
                let wait = admitted.admission.wait;
                self.admitted = Some(admitted);
                if wait.is_zero() || self.plugin.policy.is_dry_run() {
                    return Action::Continue;
                }
                self.hold = self.plugin.hold(self.id, wait);
                if self.hold.is_some() { Action::Pause } else { Action::Continue }
            }
        }
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        // The proxy can respond to a held request, for example after a timeout.
        self.end_hold();
        if let Some(admitted) = &mut self.admitted {
            self.plugin.describe(admitted);
            let charges = &mut admitted.admission.charges;
            self.plugin.charge(charges, Map::ResponseHeaders, end_of_stream);
        }
        Action::Continue
    }

    fn on_response_trailers(&mut self) -> Action {
        if let Some(admitted) = &mut self.admitted {
            let charges = &mut admitted.admission.charges;
            self.plugin.charge(charges, Map::ResponseTrailers, true);
        }
        Action::Continue
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end_hold();
        if let Some(admitted) = self.admitted.take() {
            admitted.admission.active.iter().for_each(|draw| self.plugin.release(draw));
        }
    }
}
