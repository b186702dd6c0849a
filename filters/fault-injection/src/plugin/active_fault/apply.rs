//! The steps of a fault: delays that have ended, aborts, and changes to the response.

use filter_host::{
    Result, clock,
    headers::{self, Map},
    reply, stream,
};

use super::ActiveFault;
use crate::{
    Phase, Step,
    plugin::{FaultInjection, response_body::ResponseBody},
};

impl ActiveFault {
    /// Performs the step after a delay. Returns `true` if the stream continues.
    pub(super) fn after_delay(&self, plugin: &FaultInjection, phase: Phase) -> bool {
        if self.plan.rate.is_none() {
            self.release(plugin);
        }
        let is_stopped = || plugin.shared.is_stopped(&plugin.policy);
        let step = plugin.policy.after_delay_with_clock(&self.plan, phase, clock::now, is_stopped);
        self.apply(plugin, phase, step)
    }

    /// Aborts or continues the stream. Returns `true` if it continues, also after a failure.
    pub(super) fn apply(&self, plugin: &FaultInjection, phase: Phase, step: Result<Step>) -> bool {
        let continues = step.and_then(|step| match (step, phase) {
            (Step::Abort, _) => self.abort(plugin, phase).map(|()| false),
            (Step::Continue | Step::Delay(_), Phase::Request) => Ok(true),
            (Step::Continue | Step::Delay(_), Phase::Response) => self.change_response(plugin),
        });
        if continues.is_err() {
            self.disable(plugin);
        }
        continues.unwrap_or(true)
    }

    /// Aborts the stream.
    fn abort(&self, plugin: &FaultInjection, phase: Phase) -> Result<()> {
        // Set first: a local reply runs the response callbacks immediately.
        self.is_over.set(true);
        self.release(plugin);
        match plugin.policy.reply(&self.plan) {
            Some(reply) => reply::try_send(&reply),
            None if phase == Phase::Request => stream::reset_request(),
            None => stream::reset_response(),
        }
    }

    /// Changes the status and the headers of the response. Returns `false` if the stream was reset.
    fn change_response(&self, plugin: &FaultInjection) -> Result<bool> {
        if let Some(name) = plugin.policy.mark_header() {
            let summary = plugin.policy.summary(&self.plan);
            headers::set(Map::ResponseHeaders, name.as_str(), summary.as_bytes())?;
        }
        if let Some((status, edits)) = plugin.policy.response_edits(&self.plan) {
            if let Some(status) = status {
                headers::set(Map::ResponseHeaders, ":status", status.to_string().as_bytes())?;
            }
            headers::apply(Map::ResponseHeaders, edits)?;
        }
        self.body.as_ref().map_or(Ok(true), ResponseBody::change_headers)
    }
}
