//! Does to a request what the policy says.

use std::time::{Duration, SystemTime};

use filter_core::{HeaderName, Headers};
use filter_host::{
    Result, clock,
    headers::{self as host, Map},
    property,
    proxy_wasm::types::Action,
    reply,
    stream::ContextId,
};

use super::JwtAuth;
use crate::{Admission, Denial, Metric, Outcome, Patience, Refusal, Verdict};

impl JwtAuth {
    /// Decides about the request at hand.
    pub(super) fn answer(&self, context: ContextId) -> Result<Action> {
        let request = self.reader.read()?;
        let now = now()?;
        let judge =
            |patience| self.policy.judge(&mut self.worker.borrow_mut(), &request, now, patience);
        let mut judgement = judge(Patience::Waits);
        if let Verdict::AwaitKeys(wait) = judgement.verdict {
            self.look(wait.source, now);
            judgement = judge(self.patience()?);
        }
        self.count(&judgement.counts);
        match judgement.verdict {
            Verdict::Allow(admission) => admit(&admission, &request.headers),
            Verdict::Deny(denial) => self.refuse(&denial),
            Verdict::AwaitKeys(wait) => Ok(self.hold(context, request, wait, now)),
        }
    }

    /// Removes the policy's own headers from the trailers of the current request.
    pub(super) fn strip_trailers(&self) -> Result<Action> {
        let trailers = host::all(Map::RequestTrailers)?;
        let is_there = |name: &&HeaderName| trailers.first(name.as_str()).is_some();
        for name in self.policy.owned().iter().filter(is_there) {
            host::remove(Map::RequestTrailers, name.as_str())?;
        }
        Ok(Action::Continue)
    }

    /// Refuses the request at hand.
    pub(super) fn refuse(&self, denial: &Denial) -> Result<Action> {
        log::debug!("refused: {denial}");
        let headers = host::all(Map::RequestHeaders)?;
        Ok(self.end(self.policy.refuse(denial, &headers), &headers))
    }

    /// Ends the request at hand as the policy says.
    pub(super) fn end(&self, refusal: Refusal, headers: &Headers) -> Action {
        self.count(&refusal.counts);
        match refusal.outcome {
            Outcome::Reply(reply) => reply::send(&reply),
            Outcome::Admit(admission) => admit(&admission, headers).unwrap_or_else(|_| self.fail()),
        }
    }

    /// Ends the request at hand because the proxy failed to answer a call.
    pub(super) fn fail(&self) -> Action {
        self.end(self.policy.fail(), &Headers::default())
    }

    pub(super) fn count(&self, metrics: &[Metric]) {
        for metric in metrics {
            if let Some(Some(counter)) = self.counters.get(metric.index()) {
                counter.increment();
            }
        }
    }
}

/// Returns the time since 1970.
pub(super) fn now() -> Result<Duration> {
    Ok(clock::now()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// Applies the changes to the request at hand, which has these headers.
pub(super) fn admit(admission: &Admission, headers: &Headers) -> Result<Action> {
    let edits = &admission.edits;
    let is_set = |name: &HeaderName| edits.set.iter().any(|(set, _)| set == name);
    let stays = |name: &&HeaderName| headers.first(name.as_str()).is_some() && !is_set(name);
    for name in admission.strip.iter().filter(stays) {
        host::remove(Map::RequestHeaders, name.as_str())?;
    }
    host::apply(Map::RequestHeaders, edits)?;
    if let Some(path) = &admission.path {
        host::set(Map::RequestHeaders, ":path", path)?;
    }
    if let Some(identity) = &admission.identity {
        property::write(&["weir.jwt"], identity)?;
    }
    Ok(Action::Continue)
}
