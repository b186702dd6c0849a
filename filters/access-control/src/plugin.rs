//! Connects the policies to the proxy.

use std::{
    rc::Rc,
    time::{Duration, SystemTime},
};

use filter_core::{InvalidConfig, Request, parse_config};
use filter_host::{
    Action, HostError, Plugin, Result, Setup,
    calls::CallId,
    clock,
    request::RequestReader,
    stream::{ContextId, reset_request},
};

use crate::{
    Decision, Metric, Policies,
    plugin::{
        audit::AuditLog, counters::Counters, explainer::Explainer, lists::Lists, stream::Stream,
    },
};

mod audit;
mod counters;
mod explainer;
mod lists;
mod refusal;
mod stream;
mod summary;
#[cfg(test)]
mod tests;
mod warnings;

#[cfg(feature = "module")]
filter_host::entry!(AccessControl);

/// Time between two updates of the proxy's metrics.
const PERIOD: Duration = Duration::from_secs(1);

/// The filter in one worker, with its current configuration.
pub struct AccessControl {
    policies: Policies,
    reader: RequestReader,
    explainer: Explainer,
    counters: Counters,
    audit: AuditLog,
    lists: Lists,
}

impl AccessControl {
    /// Creates the plugin.
    #[must_use]
    pub fn start(policies: Policies, setup: &Setup) -> Self {
        warnings::log(&policies, setup);
        let counters = Counters::new(&policies, setup);
        log::info!("configuration applied");
        // Gets all needs, because it warns about unreliable ones.
        let reader = RequestReader::new(policies.explain_needs().unwrap_or(policies.needs()));
        let plugin = Self {
            reader: reader.with_needs(policies.needs()),
            explainer: Explainer::new(&policies, &reader),
            counters,
            audit: AuditLog::new(&policies),
            lists: Lists::new(&policies, setup),
            policies,
        };
        plugin.start_lists();
        plugin
    }

    /// Decides about the request. Also returns an explanation if the client requests one and may
    /// have it.
    fn decide(&self) -> (Action, Option<String>) {
        let (decision, explanation) = self.read().unwrap_or_else(|error| {
            self.on_error(error);
            let decision = self.policies.unreadable();
            self.audit(&decision, &Request::default(), None);
            (decision, None)
        });
        let is_enforced = self.policies.is_enforced(&decision);
        self.counters.count(&self.policies, &decision, is_enforced);
        let is_allowed = decision.verdict.is_allowed;
        if let Err(error) = summary::publish(&self.policies, &decision) {
            self.on_error(error);
        }
        if is_allowed || !is_enforced {
            return (Action::Continue, explanation);
        }
        if let Err(error) = refusal::send(&self.policies, &decision, explanation) {
            self.on_error(error);
            // A denied request must not continue, even without a reply.
            if let Err(error) = reset_request() {
                self.on_error(error);
            }
        }
        (Action::Pause, None)
    }

    fn read(&self) -> Result<(Decision, Option<String>)> {
        let request = self.reader.read()?;
        let now = match self.policies.uses_wall_clock() {
            true => clock::now()?,
            false => SystemTime::UNIX_EPOCH,
        };
        let decision = self.policies.decide(&request, now);
        self.audit(&decision, &request, Some(now));
        let explanation = self.explainer.explain(&self.policies, &decision, &request, now);
        let explanation = explanation.unwrap_or_else(|error| {
            self.on_error(error);
            None
        });
        Ok((decision, explanation))
    }

    fn audit(&self, decision: &Decision, request: &Request, now: Option<SystemTime>) {
        self.audit.write(&self.policies, decision, request, now, &self.counters);
    }

    fn on_error(&self, error: HostError) {
        log::warn!("a host call failed: {error:?}");
        self.counters.add(Metric::Errors);
    }
}

impl Plugin for AccessControl {
    type Stream = Stream;

    fn configure(document: &[u8], setup: &Setup) -> std::result::Result<Self, InvalidConfig> {
        Ok(Self::start(Policies::new(&parse_config(document)?)?, setup))
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Stream {
        Stream::new(self)
    }

    fn on_tick(&self) {
        self.tick_lists();
        self.counters.flush();
    }

    fn on_http_call_response(&self, call: CallId, body_size: usize) {
        self.handle_list(call, body_size);
    }
}
