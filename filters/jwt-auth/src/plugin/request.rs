//! Handling of requests: decides and applies the verdict.

use std::time::{Duration, SystemTime};

use filter_core::{HeaderName, Headers};
use filter_host::{
    Action, Result, clock,
    headers::{self as host, Map},
    published::{self, Fact, Readers},
    reply,
    stream::ContextId,
};

use super::JwtAuth;
use crate::{Admission, Denial, Metric, Response, Verdict, WaitPolicy};

impl JwtAuth {
    /// Decides the current request.
    pub(super) fn handle_request(&self, context: ContextId) -> Result<Action> {
        let request = self.reader.read()?;
        let now = now()?;
        let decide = |wait_policy| {
            self.policy.decide(&mut self.worker.borrow_mut(), &request, now, wait_policy)
        };
        let mut decision = decide(WaitPolicy::MayWait);
        if let Verdict::Wait(wait) = decision.verdict {
            self.refresh_control(wait.source, now);
            decision = decide(self.wait_policy()?);
        }
        self.count(&decision.counts);
        match decision.verdict {
            Verdict::Allow(admission) => self.admit(&admission, &request.headers),
            Verdict::Deny(denial) => self.deny(&denial),
            Verdict::Wait(wait) => Ok(self.hold(context, request, wait, now)),
        }
    }

    /// Removes the policy's own headers from the trailers of the current request.
    pub(super) fn strip_trailers(&self) -> Result<Action> {
        let trailers = host::all(Map::RequestTrailers)?;
        let is_present = |name: &&HeaderName| trailers.first(name.as_str()).is_some();
        for name in self.policy.owned_headers().iter().filter(is_present) {
            host::remove(Map::RequestTrailers, name.as_str())?;
        }
        Ok(Action::Continue)
    }

    /// Denies the current request.
    pub(super) fn deny(&self, denial: &Denial) -> Result<Action> {
        log::debug!("refused: {denial}");
        let headers = host::all(Map::RequestHeaders)?;
        Ok(self.respond(self.policy.respond(denial, &headers), &headers))
    }

    /// Denies the current request because a host call failed.
    pub(super) fn deny_after_host_error(&self) -> Action {
        self.respond(self.policy.respond_to_host_error(), &Headers::default())
    }

    fn respond(&self, response: Response, headers: &Headers) -> Action {
        self.count(&response.counts);
        match response.outcome {
            Err(reply) => reply::send(&reply),
            Ok(admission) => {
                self.admit(&admission, headers).unwrap_or_else(|_| self.deny_after_host_error())
            }
        }
    }

    /// Applies an admission to the current request, which has these headers.
    pub(super) fn admit(&self, admission: &Admission, headers: &Headers) -> Result<Action> {
        let edits = &admission.edits;
        let is_set = |name: &HeaderName| edits.set.iter().any(|(set, _)| set == name);
        let is_stripped =
            |name: &&HeaderName| headers.first(name.as_str()).is_some() && !is_set(name);
        for name in admission.strip.iter().filter(is_stripped) {
            host::remove(Map::RequestHeaders, name.as_str())?;
        }
        host::apply(Map::RequestHeaders, edits)?;
        if let Some(path) = &admission.path {
            host::set(Map::RequestHeaders, ":path", path)?;
        }
        if let Some(identity) = &admission.identity {
            let is_public = self.policy.is_publish_set();
            let readers = if is_public { Readers::Everyone } else { Readers::Filters };
            published::publish(Fact::Identity, identity, readers)?;
        }
        Ok(Action::Continue)
    }

    pub(super) fn count(&self, metrics: &[Metric]) {
        for metric in metrics {
            if let Some(Some(counter)) = self.counters.get(metric.index()) {
                self.buffer.add(*counter, 1);
            }
        }
    }
}

/// Returns the time since 1970.
pub(super) fn now() -> Result<Duration> {
    Ok(clock::now()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
