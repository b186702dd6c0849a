//! An HTTP stream.

use std::{rc::Rc, time::SystemTime};

use filter_host::{Action, clock, outcome, stream::ContextId};

use super::{FaultInjection, active_fault::ActiveFault};
use crate::{Metric, Phase};

/// An HTTP stream.
pub struct Stream {
    plugin: Rc<FaultInjection>,
    id: ContextId,
    /// `None` for most streams.
    fault: Option<Rc<ActiveFault>>,
    /// `true` if the stream got a fault, so it does not count for the automatic stop.
    is_faulty: bool,
    /// `true` once the end of the response was seen.
    is_end_seen: bool,
}

impl Stream {
    pub(super) const fn new(plugin: Rc<FaultInjection>, id: ContextId) -> Self {
        Self { plugin, id, fault: None, is_faulty: false, is_end_seen: false }
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        let Some(plan) = self.plugin.decide() else { return Action::Continue };
        self.fault = self.plugin.activate(plan);
        let Some(fault) = &self.fault else { return Action::Continue };
        self.is_faulty = true;
        action(fault.begin(&self.plugin, self.id, Phase::Request))
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        self.is_end_seen |= end_of_stream;
        let Some(fault) = self.fault.as_ref().filter(|fault| !fault.is_over()) else {
            return Action::Continue;
        };
        if fault.is_waiting() {
            fault.on_other_reply(&self.plugin, self.id);
            return Action::Continue;
        }
        let body = fault.body.as_ref().map_or(Ok(true), |body| body.on_headers(end_of_stream));
        match body {
            Ok(false) => return Action::Pause,
            Ok(true) => {}
            Err(_) => self.plugin.counters.count(Metric::Errors, None),
        }
        action(fault.begin(&self.plugin, self.id, Phase::Response))
    }

    fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.is_end_seen |= end_of_stream;
        let Some(fault) = self.fault.as_ref().filter(|fault| !fault.is_over()) else {
            return Action::Continue;
        };
        let Some(body) = &fault.body else { return Action::Continue };
        match body.on_chunk(size, clock::monotonic()) {
            Ok(Some(due)) => action(!fault.hold_body(&self.plugin, self.id, due)),
            Ok(None) => Action::Continue,
            Err(_) => {
                self.plugin.counters.count(Metric::Errors, None);
                Action::Continue
            }
        }
    }

    fn on_response_trailers(&mut self) -> Action {
        self.is_end_seen = true;
        // Continuing would also release the held body.
        action(!self.fault.as_ref().is_some_and(|fault| fault.is_waiting()))
    }

    fn on_log(&mut self) {
        let Some(guard) = self.plugin.policy.guard().filter(|_| !self.is_faulty) else { return };
        let outcome = outcome::read(self.is_end_seen);
        let Some(now) = clock::now().ok().filter(|_| outcome.is_answered()) else { return };
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if let Some(counted) = self.plugin.shared.observe(guard, now, outcome.is_error()) {
            self.plugin.counters.stopped.set(1);
            log::info!("stopped: {} errors in {} answers", counted.errors, counted.total);
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
