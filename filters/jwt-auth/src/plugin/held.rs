//! Requests that wait for keys.

use std::time::Duration;

use filter_core::Request;
use filter_host::{
    Result,
    headers::{self, Map},
    proxy_wasm::types::Action,
    stream::{self, ContextId},
};

use super::{JwtAuth, answer::admit};
use crate::{Patience, Verdict, Wait};

/// At most this many requests of a worker wait.
const MAX_HELD: usize = 1024;

/// A request that waits.
pub(super) struct Held {
    request: Request,
    since: Duration,
    until: Duration,
}

impl JwtAuth {
    /// Says whether the request at hand may wait.
    pub(super) fn patience(&self) -> Result<Patience> {
        let room = self.held.borrow().len() < MAX_HELD;
        let waits = room && self.policy.may_wait(&headers::all(Map::RequestHeaders)?);
        Ok(if waits { Patience::Waits } else { Patience::Spent })
    }

    /// Keeps the request at hand until it is asked about again.
    pub(super) fn hold(
        &self,
        context: ContextId,
        request: Request,
        wait: Wait,
        now: Duration,
    ) -> Action {
        let held = Held { request, since: now, until: now.saturating_add(wait.at_most) };
        self.held.borrow_mut().insert(context, held);
        self.gauges.held.add(1);
        self.keep_pace();
        Action::Pause
    }

    /// Forgets a stream that has ended.
    pub(super) fn forget(&self, context: ContextId) {
        if self.held.borrow_mut().remove(&context).is_some() {
            self.gauges.held.add(-1);
        }
    }

    /// Says whether any request waits.
    pub(super) fn holds(&self) -> bool {
        !self.held.borrow().is_empty()
    }

    /// Asks about waiting requests anew: all of them, or those that have waited long enough.
    pub(super) fn ask_again(&self, all: bool, now: Duration) {
        let due = |held: &Held| all || now >= held.until;
        let held = self.held.borrow();
        let contexts: Vec<_> = held.iter().filter(|(_, held)| due(held)).map(|(c, _)| *c).collect();
        drop(held);
        let any = !contexts.is_empty();
        for context in contexts {
            self.ask_about(context, now);
        }
        if any && let Err(error) = stream::enter(self.root) {
            log::error!("the plugin's context is gone: {error:?}");
        }
    }

    fn ask_about(&self, context: ContextId, now: Duration) {
        let Some(held) = self.held.borrow_mut().remove(&context) else { return };
        let patience = if now < held.until { Patience::Waits } else { Patience::Spent };
        let judgement =
            self.policy.judge(&mut self.worker.borrow_mut(), &held.request, now, patience);
        if let Verdict::AwaitKeys(_) = judgement.verdict {
            self.held.borrow_mut().insert(context, held);
            return;
        }
        self.gauges.held.add(-1);
        let pause = now.saturating_sub(held.since).as_millis();
        self.gauges.pause.record(u64::try_from(pause).unwrap_or(u64::MAX));
        // A stream whose context is gone has ended; resuming would act on another one.
        if stream::enter(context).is_err() {
            return;
        }
        self.count(&judgement.counts);
        let action = match judgement.verdict {
            Verdict::Allow(admission) => admit(&admission, &held.request.headers),
            Verdict::Deny(denial) => self.refuse(&denial),
            Verdict::AwaitKeys(_) => Ok(Action::Pause),
        };
        let action = action.unwrap_or_else(|error| {
            log::error!("a host call failed: {error:?}");
            self.fail()
        });
        if action == Action::Continue
            && let Err(error) = stream::resume_request()
        {
            log::error!("a request was not resumed: {error:?}");
        }
    }
}
