//! One HTTP stream.

use std::{rc::Rc, time::SystemTime};

use filter_host::{
    clock, outcome,
    proxy_wasm::{
        traits::{Context, HttpContext},
        types::Action,
    },
    stream::ContextId,
};

use super::{FaultInjection, held::Held};
use crate::{Metric, Phase};

/// A stream; nearly all have no fault.
pub(super) struct Stream {
    plugin: Rc<FaultInjection>,
    id: ContextId,
    held: Option<Rc<Held>>,
    /// Whether a fault fired, carried out or not.
    is_faulty: bool,
    /// `true` once the last part of the response was seen.
    is_end_seen: bool,
}

impl Stream {
    pub(super) const fn new(plugin: Rc<FaultInjection>, id: ContextId) -> Self {
        Self { plugin, id, held: None, is_faulty: false, is_end_seen: false }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let Some(plan) = self.plugin.decide() else { return Action::Continue };
        self.held = self.plugin.admit(plan);
        let Some(held) = &self.held else { return Action::Continue };
        self.is_faulty = true;
        action(held.begin(&self.plugin, self.id, Phase::Request))
    }

    fn on_http_response_headers(&mut self, _headers: usize, end_of_stream: bool) -> Action {
        self.is_end_seen |= end_of_stream;
        let Some(held) = self.held.as_ref().filter(|held| !held.is_over()) else {
            return Action::Continue;
        };
        if held.is_waiting() {
            held.yield_to_other_reply(&self.plugin, self.id);
            return Action::Continue;
        }
        let body = held.pacing.as_ref().map_or(Ok(true), |it| it.on_headers(end_of_stream));
        match body {
            Ok(false) => return Action::Pause,
            Ok(true) => {}
            Err(_) => self.plugin.counters.count(Metric::Errors, None),
        }
        action(held.begin(&self.plugin, self.id, Phase::Response))
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.is_end_seen |= end_of_stream;
        let Some(held) = self.held.as_ref().filter(|held| !held.is_over()) else {
            return Action::Continue;
        };
        let Some(pacing) = &held.pacing else { return Action::Continue };
        match pacing.on_body(size, self.plugin.now()) {
            Ok(Some(due)) => action(!held.pace(&self.plugin, self.id, due)),
            Ok(None) => Action::Continue,
            Err(_) => {
                self.plugin.counters.count(Metric::Errors, None);
                Action::Continue
            }
        }
    }

    fn on_http_response_trailers(&mut self, _trailers: usize) -> Action {
        self.is_end_seen = true;
        // Trailers that go on would take the waiting body with them.
        action(!self.held.as_ref().is_some_and(|held| held.is_waiting()))
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
        if let Some(held) = &self.held {
            held.leave(&self.plugin, self.id);
        }
    }
}

const fn action(goes_on: bool) -> Action {
    if goes_on { Action::Continue } else { Action::Pause }
}
