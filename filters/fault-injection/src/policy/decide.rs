//! What happens to one request.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use filter_core::{Headers, Percentage, Request};

use super::{Abort, Delay, Ending, Entry, Fault, Policy, RateLimit};
use crate::{control, delay::DelayLength, dice::Dice};

/// What is done to a request; at least one fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    pub(super) entry: usize,
    /// How long it is held.
    pub delay: Option<Duration>,
    /// How it ends.
    pub abort: Option<Ending>,
    /// Whether the response is changed.
    pub changes_response: bool,
    /// How fast the response's body passes, in KiB a second.
    pub rate: Option<u64>,
    /// Whether the client speaks gRPC.
    pub(super) is_grpc: bool,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Decision {
    /// What is done; `None` lets the request go on untouched.
    pub plan: Option<Plan>,
    /// Whether the entry asked for a key that the request has not.
    pub is_unkeyed: bool,
}

impl Plan {
    /// Says whether the stream is held at some time.
    pub fn holds(&self) -> bool {
        self.rate.is_some() || self.delay.is_some_and(|length| !length.is_zero())
    }
}

impl Policy {
    /// Says whether any entry could do anything to a request with these draws.
    ///
    /// On no, nothing of the request need be read: [`Policy::decide`] would say the same.
    pub fn may_fire(&self, dice: &Dice) -> bool {
        self.is_keyed
            || self.most.delay.contains(dice.delay)
            || self.most.abort.contains(dice.abort)
            || self.most.response.contains(dice.response)
            || self.most.rate.contains(dice.rate)
    }

    /// Decides what happens to a request; the same values give the same answer.
    ///
    /// The shared gates (budget, guard, held streams) come after it.
    pub fn decide(&self, request: &Request, dice: &Dice, now: SystemTime) -> Decision {
        let decision = self.decide_by(request, dice, || Ok::<_, Infallible>(now));
        decision.unwrap_or_else(|never| match never {})
    }

    /// As [`Policy::decide`], with a clock that is read only where a schedule asks for it.
    ///
    /// # Errors
    ///
    /// Those of the clock.
    pub fn decide_by<E>(
        &self,
        request: &Request,
        dice: &Dice,
        clock: impl FnOnce() -> Result<SystemTime, E>,
    ) -> Result<Decision, E> {
        let found = self.matcher.sure_match(request);
        let entry = found.and_then(|index| Some((index, self.entries.get(index)?)));
        let Some((index, entry)) = entry.filter(|(_, entry)| entry.fault.is_some()) else {
            return Ok(Decision::default());
        };
        let is_timed = !(self.schedule.is_always() && entry.schedule.is_always());
        let now = if is_timed { clock()? } else { SystemTime::UNIX_EPOCH };
        let (dice, is_unkeyed) = entry.dice(request, *dice);
        let plan = self.plan(index, entry, request, &dice, now);
        Ok(Decision { plan, is_unkeyed })
    }

    fn plan(
        &self,
        index: usize,
        entry: &Entry,
        request: &Request,
        dice: &Dice,
        now: SystemTime,
    ) -> Option<Plan> {
        let fault = entry.fault.as_ref().filter(|_| self.is_active(entry, now))?;
        let ramped = |share| self.ramped(entry, share, now);
        let plan = Plan {
            entry: index,
            delay: fault.delay(request, dice, self.max_delay, ramped),
            abort: fault.abort(request, dice, ramped),
            changes_response: fault.changes_response(dice, ramped),
            rate: fault.rate(request, dice, ramped),
            is_grpc: fault.abort.is_some() && is_grpc(request),
        };
        let fires = plan.delay.is_some()
            || plan.abort.is_some()
            || plan.changes_response
            || plan.rate.is_some();
        fires.then_some(plan)
    }

    /// Returns the part of a share that ramps have reached.
    pub(super) fn ramped(&self, entry: &Entry, share: Percentage, now: SystemTime) -> Percentage {
        self.schedule.ramped(entry.schedule.ramped(share, now), now)
    }

    pub(super) fn is_active(&self, entry: &Entry, now: SystemTime) -> bool {
        self.schedule.is_active(now) && entry.schedule.is_active(now)
    }
}

impl Entry {
    /// Returns the draws of a request, and whether they are random for want of its key.
    pub(super) fn dice(&self, request: &Request, random: Dice) -> (Dice, bool) {
        let (dice, is_unkeyed) = match &self.hash {
            None => (random, false),
            Some(hash) => match hash.key(request) {
                Some(key) => (Dice::of_key(&self.salt, &key.bytes), false),
                None => (random, true),
            },
        };
        let is_shared = self.fault.as_ref().is_some_and(|fault| fault.is_draw_shared);
        (if is_shared { dice.shared() } else { dice }, is_unkeyed)
    }
}

impl Fault {
    fn delay(
        &self,
        request: &Request,
        dice: &Dice,
        cap: Duration,
        ramped: impl Fn(Percentage) -> Percentage,
    ) -> Option<Duration> {
        let delay = self.delay.as_ref()?;
        let length = match &delay.length {
            DelayLength::Header => control::delay(&request.headers, cap)?,
            drawn => drawn.draw(dice.length, cap),
        };
        delay.reached(&request.headers, ramped).contains(dice.delay).then_some(length)
    }

    fn abort(
        &self,
        request: &Request,
        dice: &Dice,
        ramped: impl Fn(Percentage) -> Percentage,
    ) -> Option<Ending> {
        let abort = self.abort.as_ref()?;
        let ending = abort.ending.or_else(|| control::abort(&request.headers))?;
        abort.reached(&request.headers, ramped).contains(dice.abort).then_some(ending)
    }

    fn changes_response(&self, dice: &Dice, ramped: impl Fn(Percentage) -> Percentage) -> bool {
        self.response.as_ref().is_some_and(|change| ramped(change.share).contains(dice.response))
    }

    fn rate(
        &self,
        request: &Request,
        dice: &Dice,
        ramped: impl Fn(Percentage) -> Percentage,
    ) -> Option<u64> {
        let rate = self.rate.as_ref()?;
        let limit = rate.limit.or_else(|| control::rate(&request.headers))?;
        rate.reached(&request.headers, ramped).contains(dice.rate).then_some(limit)
    }
}

impl Delay {
    /// The share after its ramp, and after what the caller lowers it to.
    pub(super) fn reached(
        &self,
        headers: &Headers,
        ramped: impl Fn(Percentage) -> Percentage,
    ) -> Percentage {
        let share = ramped(self.share);
        let is_asked = self.length == DelayLength::Header;
        if is_asked { control::delay_share(headers, share) } else { share }
    }
}

impl Abort {
    /// As [`Delay::reached`].
    pub(super) fn reached(
        &self,
        headers: &Headers,
        ramped: impl Fn(Percentage) -> Percentage,
    ) -> Percentage {
        let share = ramped(self.share);
        if self.ending.is_none() { control::abort_share(headers, share) } else { share }
    }
}

impl RateLimit {
    /// As [`Delay::reached`].
    pub(super) fn reached(
        &self,
        headers: &Headers,
        ramped: impl Fn(Percentage) -> Percentage,
    ) -> Percentage {
        let share = ramped(self.share);
        if self.limit.is_none() { control::rate_share(headers, share) } else { share }
    }
}

/// Says whether the client speaks gRPC, told by the content type.
fn is_grpc(request: &Request) -> bool {
    let content_type = request.headers.first("content-type");
    filter_core::ReplyFormat::negotiate(None, None, content_type).is_grpc()
}
