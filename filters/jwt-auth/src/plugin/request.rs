//! Handling of requests: decides and applies the verdict.

use std::{cell::OnceCell, time::Duration};

use filter_core::{HeaderName, Headers};
use filter_host::{
    Action, Result, clock,
    headers::{self as host, Map},
    published::{self, Fact, Readers},
    reply,
    stream::{self, ContextId},
};

use super::JwtAuth;
use crate::{Admission, Denial, Metric, Response, Verdict, WaitPolicy};

impl JwtAuth {
    /// Decides the current request.
    pub(super) fn handle_request(&self, context: ContextId) -> Result<Action> {
        let request = self.reader.read()?;
        let time = RequestTime::default();
        let decide = |wait_policy| {
            let mut worker = self.worker.borrow_mut();
            self.policy.decide_at(&mut worker, &request, &|| time.or_zero(), wait_policy)
        };
        let mut decision = decide(WaitPolicy::MayWait);
        if let Verdict::Wait(wait) = decision.verdict {
            self.refresh_control(wait.source, time.read()?);
            decision = decide(self.wait_policy());
        }
        time.check()?;
        match decision.verdict {
            Verdict::Wait(wait) => self.hold(context, request, wait, time.read()?),
            verdict => {
                let action = self.apply(&verdict, &request.headers)?;
                self.count_all(&decision.counts);
                Ok(action)
            }
        }
    }

    /// Applies a verdict to the current request, which has these headers.
    pub(super) fn apply(&self, verdict: &Verdict, headers: &Headers) -> Result<Action> {
        match verdict {
            Verdict::Allow(admission) => self.admit(admission, headers),
            Verdict::Deny(denial) => self.deny(denial),
            Verdict::Wait(_) => Ok(Action::Pause),
        }
    }

    /// Removes the policy's own headers from the trailers of the current request.
    pub(super) fn strip_trailers(&self) -> Result<Action> {
        let owned = self.policy.owned_headers();
        if owned.is_empty() {
            return Ok(Action::Continue);
        }
        let trailers = host::all(Map::RequestTrailers)?;
        let is_present = |name: &&HeaderName| trailers.first(name.as_str()).is_some();
        for name in owned.iter().filter(is_present) {
            host::remove(Map::RequestTrailers, name.as_str())?;
        }
        Ok(Action::Continue)
    }

    /// Denies the current request if a host call failed, and resets it if that fails too.
    pub(super) fn deny_on_error(&self, action: Result<Action>) -> Action {
        action
            .or_else(|error| {
                log::error!("a host call failed: {error:?}");
                self.respond(self.policy.respond_to_host_error(), &Headers::default())
            })
            .unwrap_or_else(|error| {
                log::error!("a request is reset, because no reply can be sent: {error:?}");
                // Fails only if the stream has ended.
                let _ = stream::reset_request();
                Action::Pause
            })
    }

    fn deny(&self, denial: &Denial) -> Result<Action> {
        log::debug!("refused: {denial}");
        let headers = host::all(Map::RequestHeaders)?;
        self.respond(self.policy.respond(denial, &headers), &headers)
    }

    fn respond(&self, response: Response, headers: &Headers) -> Result<Action> {
        let action = match response.outcome {
            Err(reply) => reply::try_send(&reply).map(|()| Action::Pause),
            Ok(admission) => self.admit(&admission, headers),
        }?;
        self.count_all(&response.counts);
        Ok(action)
    }

    fn admit(&self, admission: &Admission, headers: &Headers) -> Result<Action> {
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

    pub(super) fn count_all(&self, metrics: &[Metric]) {
        for metric in metrics {
            if let Some(Some(counter)) = self.counters.get(metric.index()) {
                self.buffer.add(*counter, 1);
            }
        }
    }
}

/// The time of a request, read when it is first needed.
#[derive(Default)]
struct RequestTime(OnceCell<Result<Duration>>);

impl RequestTime {
    fn read(&self) -> Result<Duration> {
        *self.0.get_or_init(clock::since_1970)
    }

    /// Returns zero if the clock failed; then [`RequestTime::check`] fails as well.
    fn or_zero(&self) -> Duration {
        self.read().unwrap_or_default()
    }

    /// Fails if the clock could not be read; succeeds if it was not needed.
    fn check(&self) -> Result<()> {
        self.0.get().map_or(Ok(()), |time| time.map(|_| ()))
    }
}
