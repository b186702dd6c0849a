//! The decision about a request.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use filter_core::{Headers, Percentage, Request};

use super::{Abort, AbortKind, Delay, Entry, Fault, Policy, RateLimit};
use crate::{delay::DelayLength, draws::Draws, header_control};

/// The faults of a request, at least one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    pub(super) entry: usize,
    /// Length of the delay.
    pub delay: Option<Duration>,
    /// Kind of abort.
    pub abort: Option<AbortKind>,
    /// `true` if the response is changed.
    pub changes_response: bool,
    /// Rate limit of the response body in KiB per second.
    pub rate: Option<u64>,
    /// `true` for a gRPC request.
    pub(super) is_grpc: bool,
}

/// The decision about a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Decision {
    /// Faults to inject; `None` if the request passes unchanged.
    pub plan: Option<Plan>,
    /// `true` if the request has no key for the `consistentHash` of its entry.
    pub is_unkeyed: bool,
}

impl Plan {
    /// Returns `true` if the stream is held by a delay or a rate limit.
    pub fn holds_stream(&self) -> bool {
        self.rate.is_some() || self.delay.is_some_and(|length| !length.is_zero())
    }
}

impl Policy {
    /// Returns `true` if a request with these draws can get a fault.
    ///
    /// If it returns `false`, [`Policy::decide`] returns no plan, and reading the request is unnecessary.
    pub fn may_fire(&self, draws: &Draws) -> bool {
        self.is_keyed
            || self.max_shares.delay.contains(draws.delay)
            || self.max_shares.abort.contains(draws.abort)
            || self.max_shares.response.contains(draws.response)
            || self.max_shares.rate.contains(draws.rate)
    }

    /// Decides about a request. Equal arguments give equal decisions.
    ///
    /// The limits of the pod (automatic stop, faults per second, active faults) are checked later.
    pub fn decide(&self, request: &Request, draws: &Draws, now: SystemTime) -> Decision {
        let decision = self.decide_with_clock(request, draws, || Ok::<_, Infallible>(now));
        decision.unwrap_or_else(|never| match never {})
    }

    /// Like [`Policy::decide`], but reads the clock only if a schedule depends on it.
    ///
    /// # Errors
    ///
    /// The error of the clock.
    pub fn decide_with_clock<E>(
        &self,
        request: &Request,
        draws: &Draws,
        clock: impl FnOnce() -> Result<SystemTime, E>,
    ) -> Result<Decision, E> {
        let matched = self.matcher.sure_match(request);
        let entry = matched.and_then(|index| Some((index, self.entries.get(index)?)));
        let Some((index, entry)) = entry.filter(|(_, entry)| entry.fault.is_some()) else {
            return Ok(Decision::default());
        };
        let now = if self.is_scheduled(entry) { clock()? } else { SystemTime::UNIX_EPOCH };
        let (draws, is_unkeyed) = entry.draws(request, *draws);
        let plan = self.plan(index, entry, request, &draws, now);
        Ok(Decision { plan, is_unkeyed })
    }

    fn plan(
        &self,
        index: usize,
        entry: &Entry,
        request: &Request,
        draws: &Draws,
        now: SystemTime,
    ) -> Option<Plan> {
        let fault = entry.fault.as_ref().filter(|_| self.is_active(entry, now))?;
        let ramp = |share| self.ramp(entry, share, now);
        let plan = Plan {
            entry: index,
            delay: fault.delay(request, draws, self.max_delay, ramp),
            abort: fault.abort(request, draws, ramp),
            changes_response: fault.changes_response(draws, ramp),
            rate: fault.rate(request, draws, ramp),
            is_grpc: fault.abort.is_some() && is_grpc(request),
        };
        let fires = plan.delay.is_some()
            || plan.abort.is_some()
            || plan.changes_response
            || plan.rate.is_some();
        fires.then_some(plan)
    }

    /// Returns the percentage at `now` after the ramps.
    pub(super) fn ramp(&self, entry: &Entry, share: Percentage, now: SystemTime) -> Percentage {
        self.schedule.ramped(entry.schedule.ramped(share, now), now)
    }

    /// Returns `true` if a schedule limits the entry.
    pub(super) fn is_scheduled(&self, entry: &Entry) -> bool {
        !(self.schedule.is_always() && entry.schedule.is_always())
    }

    pub(super) fn is_active(&self, entry: &Entry, now: SystemTime) -> bool {
        self.schedule.is_active(now) && entry.schedule.is_active(now)
    }
}

impl Entry {
    /// Returns the draws of a request, and `true` if they are random because it has no key.
    pub(super) fn draws(&self, request: &Request, random: Draws) -> (Draws, bool) {
        let (draws, is_unkeyed) = match &self.hash {
            None => (random, false),
            Some(hash) => match hash.key(request) {
                Some(key) => (Draws::from_key(&self.salt, &key.bytes), false),
                None => (random, true),
            },
        };
        let is_shared = self.fault.as_ref().is_some_and(|fault| fault.is_draw_shared);
        (if is_shared { draws.shared() } else { draws }, is_unkeyed)
    }
}

impl Fault {
    fn delay(
        &self,
        request: &Request,
        draws: &Draws,
        cap: Duration,
        ramp: impl Fn(Percentage) -> Percentage,
    ) -> Option<Duration> {
        let delay = self.delay.as_ref()?;
        let length = match &delay.length {
            DelayLength::Header => header_control::delay(&request.headers, cap)?,
            random => random.draw(draws.length, cap),
        };
        delay.effective_share(&request.headers, ramp).contains(draws.delay).then_some(length)
    }

    fn abort(
        &self,
        request: &Request,
        draws: &Draws,
        ramp: impl Fn(Percentage) -> Percentage,
    ) -> Option<AbortKind> {
        let abort = self.abort.as_ref()?;
        let kind = abort.kind.or_else(|| header_control::abort(&request.headers))?;
        abort.effective_share(&request.headers, ramp).contains(draws.abort).then_some(kind)
    }

    fn changes_response(&self, draws: &Draws, ramp: impl Fn(Percentage) -> Percentage) -> bool {
        self.response.as_ref().is_some_and(|change| ramp(change.share).contains(draws.response))
    }

    fn rate(
        &self,
        request: &Request,
        draws: &Draws,
        ramp: impl Fn(Percentage) -> Percentage,
    ) -> Option<u64> {
        let rate = self.rate.as_ref()?;
        let limit = rate.limit.or_else(|| header_control::rate(&request.headers))?;
        rate.effective_share(&request.headers, ramp).contains(draws.rate).then_some(limit)
    }
}

impl Delay {
    /// Returns the percentage after the ramps and the request header.
    pub(super) fn effective_share(
        &self,
        headers: &Headers,
        ramp: impl Fn(Percentage) -> Percentage,
    ) -> Percentage {
        let share = ramp(self.share);
        let is_header = self.length == DelayLength::Header;
        if is_header { header_control::delay_share(headers, share) } else { share }
    }
}

impl Abort {
    /// Like [`Delay::effective_share`].
    pub(super) fn effective_share(
        &self,
        headers: &Headers,
        ramp: impl Fn(Percentage) -> Percentage,
    ) -> Percentage {
        let share = ramp(self.share);
        if self.kind.is_none() { header_control::abort_share(headers, share) } else { share }
    }
}

impl RateLimit {
    /// Like [`Delay::effective_share`].
    pub(super) fn effective_share(
        &self,
        headers: &Headers,
        ramp: impl Fn(Percentage) -> Percentage,
    ) -> Percentage {
        let share = ramp(self.share);
        if self.limit.is_none() { header_control::rate_share(headers, share) } else { share }
    }
}

/// Returns `true` if the content type is one of gRPC.
fn is_grpc(request: &Request) -> bool {
    let content_type = request.headers.first("content-type");
    filter_core::ReplyFormat::negotiate(None, None, content_type).is_grpc()
}
