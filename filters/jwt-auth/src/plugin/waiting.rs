//! Requests that wait for keys or deny lists.

use std::time::Duration;

use filter_core::Request;
use filter_host::{
    Action, Result,
    stream::{self, ContextId},
};

use super::{JwtAuth, fetch::BUSY_TICK};
use crate::{Verdict, Wait, WaitPolicy};

/// The maximum number of waiting requests per worker.
const MAX_WAITING: usize = 1024;

/// A waiting request.
pub(super) struct WaitingRequest {
    request: Request,
    since: Duration,
    until: Duration,
}

impl JwtAuth {
    /// Returns `true` if one more request may wait.
    pub(super) fn wait_policy(&self) -> WaitPolicy {
        let has_room = self.waiting.borrow().len() < MAX_WAITING;
        if has_room { WaitPolicy::MayWait } else { WaitPolicy::DecideNow }
    }

    /// Pauses the current request until it is decided again.
    pub(super) fn hold(
        &self,
        context: ContextId,
        request: Request,
        wait: Wait,
        now: Duration,
    ) -> Result<Action> {
        self.set_tick_period(BUSY_TICK)?;
        let until = now.saturating_add(wait.max);
        let waiting = WaitingRequest { request, since: now, until };
        self.waiting.borrow_mut().insert(context, waiting);
        self.gauges.waiting.add(1);
        Ok(Action::Pause)
    }

    /// Removes a stream that has ended.
    pub(super) fn forget(&self, context: ContextId) {
        if self.waiting.borrow_mut().remove(&context).is_some() {
            self.gauges.waiting.add(-1);
        }
    }

    /// Returns `true` if any request waits.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    /// Decides waiting requests again: all of them if the documents changed, otherwise those whose
    /// wait is over.
    pub(super) fn decide_waiting(&self, is_changed: bool, now: Duration) {
        let is_due = |waiting: &WaitingRequest| is_changed || now >= waiting.until;
        let waiting = self.waiting.borrow();
        let due = waiting.iter().filter(|(_, waiting)| is_due(waiting));
        let contexts: Vec<_> = due.map(|(context, _)| *context).collect();
        drop(waiting);
        let entered = contexts.into_iter().filter(|context| self.decide_again(*context, now));
        if entered.count() > 0
            && let Err(error) = stream::enter(self.root)
        {
            log::error!("the plugin's context no longer exists: {error:?}");
        }
    }

    /// Decides a waiting request; returns `true` if its context was entered.
    fn decide_again(&self, context: ContextId, now: Duration) -> bool {
        let Some(waiting) = self.waiting.borrow_mut().remove(&context) else { return false };
        let wait_policy =
            if now < waiting.until { WaitPolicy::MayWait } else { WaitPolicy::DecideNow };
        let decision =
            self.policy.decide(&mut self.worker.borrow_mut(), &waiting.request, now, wait_policy);
        if let Verdict::Wait(_) = decision.verdict {
            self.waiting.borrow_mut().insert(context, waiting);
            return false;
        }
        // Resuming in another context would affect another stream.
        if let Err(error) = stream::enter(context) {
            log::error!("a waiting request is tried again: {error:?}");
            self.waiting.borrow_mut().insert(context, waiting);
            self.decide_at_next_tick();
            return false;
        }
        self.gauges.waiting.add(-1);
        self.gauges.pause.record(now.saturating_sub(waiting.since));
        let action = self.apply(&decision.verdict, &waiting.request.headers).and_then(|action| {
            if action == Action::Continue {
                stream::resume_request()?;
            }
            self.count_all(&decision.counts);
            Ok(action)
        });
        self.deny_on_error(action);
        true
    }
}
