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
    published::{self, Fact, Readers},
    request::RequestReader,
    stream::{self, ContextId},
};

use crate::{
    Decision, Metric, Policies,
    plugin::{audit::AuditLog, counters::Counters, lists::Lists},
};

mod audit;
mod counters;
mod lists;
mod refusal;
#[cfg(test)]
mod tests;

#[cfg(feature = "module")]
filter_host::entry!(AccessControl);

/// Time between two updates of the proxy's metrics.
const PERIOD: Duration = Duration::from_secs(1);

/// The filter in one worker, with its current configuration.
pub struct AccessControl {
    policies: Policies,
    reader: RequestReader,
    counters: Counters,
    audit: AuditLog,
    lists: Lists,
}

impl AccessControl {
    /// Creates the plugin.
    #[must_use]
    pub fn start(policies: Policies, setup: &Setup) -> Self {
        policies.warnings().iter().for_each(|warning| setup.warn(warning));
        let counters = Counters::new(&policies, setup);
        log::info!("configuration applied");
        let plugin = Self {
            reader: RequestReader::new(policies.needs()),
            counters,
            audit: AuditLog::new(&policies),
            lists: Lists::new(&policies, setup),
            policies,
        };
        plugin.start_lists();
        plugin
    }

    fn decide(&self) -> Action {
        let decision = self.read().unwrap_or_else(|error| {
            self.on_error(error);
            let decision = self.policies.unreadable();
            self.audit(&decision, &Request::default(), SystemTime::UNIX_EPOCH);
            decision
        });
        let is_enforced = !decision.is_tolerated && !self.policies.is_dry_run();
        self.counters.count(&decision, is_enforced);
        let is_allowed = decision.verdict.is_allowed;
        let differs = decision.dry_run.is_some_and(|dry_run| dry_run.is_allowed != is_allowed);
        if !is_allowed || differs || decision.audited.is_some() {
            let summary = self.policies.summary(&decision);
            log::debug!("{summary}");
            let summary: Rc<[u8]> = Rc::from(summary.into_bytes());
            if let Err(error) = published::publish(Fact::Access, &summary, Readers::Everyone) {
                self.on_error(error);
            }
        }
        if is_allowed || !is_enforced {
            return Action::Continue;
        }
        if let Err(error) = refusal::send(&self.policies, &decision) {
            self.on_error(error);
            // A request that is denied must not go on without a reply.
            if let Err(error) = stream::reset_request() {
                self.on_error(error);
            }
        }
        Action::Pause
    }

    fn read(&self) -> Result<Decision> {
        let request = self.reader.read()?;
        let now = match self.policies.uses_wall_clock() {
            true => clock::now()?,
            false => SystemTime::UNIX_EPOCH,
        };
        let decision = self.policies.decide(&request, now);
        self.audit(&decision, &request, now);
        Ok(decision)
    }

    fn audit(&self, decision: &Decision, request: &Request, now: SystemTime) {
        if !self.audit.write(&self.policies, decision, request, now) {
            self.counters.add(Metric::AuditLimited);
        }
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
        Stream(self)
    }

    fn on_tick(&self) {
        self.tick_lists();
        self.counters.flush();
    }

    fn on_http_call_response(&self, call: CallId, body_size: usize) {
        self.handle_list(call, body_size);
    }
}

/// An HTTP stream.
pub struct Stream(Rc<AccessControl>);

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        self.0.decide()
    }
}
