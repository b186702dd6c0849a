//! An HTTP stream.

use std::rc::Rc;

use filter_host::{Action, outcome, stream::ContextId};

use super::{FaultInjection, active_fault::ActiveFault};

/// An HTTP stream.
pub struct Stream {
    plugin: Rc<FaultInjection>,
    id: ContextId,
    /// `None` for most streams; those with a fault do not count for the automatic stop.
    fault: Option<Rc<ActiveFault>>,
    /// `true` once the end of the response was seen.
    is_end_seen: bool,
}

impl Stream {
    pub(super) const fn new(plugin: Rc<FaultInjection>, id: ContextId) -> Self {
        Self { plugin, id, fault: None, is_end_seen: false }
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        self.fault = self.plugin.decide();
        let Some(fault) = &self.fault else { return Action::Continue };
        action(fault.on_request_headers(&self.plugin, self.id))
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        self.is_end_seen |= end_of_stream;
        let Some(fault) = &self.fault else { return Action::Continue };
        action(fault.on_response_headers(&self.plugin, self.id, end_of_stream))
    }

    fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.is_end_seen |= end_of_stream;
        let Some(fault) = &self.fault else { return Action::Continue };
        action(fault.on_response_body(&self.plugin, self.id, size))
    }

    fn on_response_trailers(&mut self) -> Action {
        self.is_end_seen = true;
        // Continuing would also release the held body.
        action(!self.fault.as_ref().is_some_and(|fault| fault.is_held()))
    }

    fn on_log(&mut self) {
        let plugin = &self.plugin;
        if self.fault.is_some() || !plugin.shared.observes(&plugin.policy) {
            return;
        }
        let outcome = outcome::read(self.is_end_seen);
        if !outcome.is_answered() {
            return;
        }
        if let Some(counts) = plugin.shared.observe(&plugin.policy, outcome.is_error()) {
            plugin.counters.stopped.set(1);
            log::info!("stopped: {} errors in {} answers", counts.errors, counts.total);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(fault) = &self.fault {
            fault.on_stream_end(&self.plugin, self.id);
        }
    }
}

const fn action(continues: bool) -> Action {
    if continues { Action::Continue } else { Action::Pause }
}
