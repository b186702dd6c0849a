//! What happens to one request.

use std::time::{Duration, SystemTime};

use filter_core::{Percentage, Request};

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
        let Some(index) = self.matcher.first_match(request) else { return Decision::default() };
        let Some(entry) = self.entries.get(index) else { return Decision::default() };
        let Some(fault) = &entry.fault else { return Decision::default() };
        let (dice, is_unkeyed) = entry.dice(request, *dice);
        if !self.is_active(entry, now) {
            return Decision { plan: None, is_unkeyed };
        }
        let ramped = |share| self.schedule.ramped(entry.schedule.ramped(share, now), now);
        let plan = Plan {
            entry: index,
            delay: fault.delay(request, &dice, self.max_delay, ramped),
            abort: fault.abort(request, &dice, ramped),
            changes_response: fault.changes_response(&dice, ramped),
            rate: fault.rate(request, &dice, ramped),
            is_grpc: fault.abort.is_some() && is_grpc(request),
        };
        let fires = plan.delay.is_some()
            || plan.abort.is_some()
            || plan.changes_response
            || plan.rate.is_some();
        Decision { plan: fires.then_some(plan), is_unkeyed }
    }

    pub(super) fn is_active(&self, entry: &Entry, now: SystemTime) -> bool {
        self.schedule.is_active(now) && entry.schedule.is_active(now)
    }
}

impl Entry {
    /// Returns the draws of a request, and whether they are random for want of its key.
    fn dice(&self, request: &Request, random: Dice) -> (Dice, bool) {
        let Some(hash) = &self.hash else { return (random, false) };
        match hash.key(request) {
            Some(key) => (Dice::of_key(&self.salt, &key.bytes), false),
            None => (random, true),
        }
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
        let Delay { share, length, .. } = self.delay.as_ref()?;
        let share = ramped(*share);
        if *length != DelayLength::Header {
            return share.contains(dice.delay).then(|| length.draw(dice.length, cap));
        }
        let asked = control::delay(&request.headers, cap)?;
        control::delay_share(&request.headers, share).contains(dice.delay).then_some(asked)
    }

    fn abort(
        &self,
        request: &Request,
        dice: &Dice,
        ramped: impl Fn(Percentage) -> Percentage,
    ) -> Option<Ending> {
        let Abort { share, ending, .. } = self.abort.as_ref()?;
        let share = ramped(*share);
        if let Some(ending) = ending {
            return share.contains(dice.abort).then_some(*ending);
        }
        let asked = control::abort(&request.headers)?;
        control::abort_share(&request.headers, share).contains(dice.abort).then_some(asked)
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
        let RateLimit { share, limit } = self.rate.as_ref()?;
        let share = ramped(*share);
        if let Some(limit) = limit {
            return share.contains(dice.rate).then_some(*limit);
        }
        let asked = control::rate(&request.headers)?;
        control::rate_share(&request.headers, share).contains(dice.rate).then_some(asked)
    }
}

/// Says whether the client speaks gRPC, told by the content type.
fn is_grpc(request: &Request) -> bool {
    let content_type = request.headers.first("content-type");
    filter_core::ReplyFormat::negotiate(None, None, content_type).is_grpc()
}
