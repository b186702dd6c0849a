//! Drawing from all limits of a request, or from none.

use std::time::Duration;

use filter_host::HostError;
use smallvec::SmallVec;

use super::{
    RateLimit,
    concurrency::Slot,
    counts::{Attempt, Stored},
};
use crate::{Clocks, Denial, LimitMetric, Metric, Plan, PlannedDraw, Refusal, Usage};

/// The state of a request that was admitted.
#[derive(Default)]
pub(super) struct Admission {
    /// The limits that apply to the request.
    pub(super) usages: SmallVec<[Usage; 1]>,
    /// Time for which the request is held.
    pub(super) wait: Duration,
    /// Draws that count the request until its stream ends.
    pub(super) active: Vec<PlannedDraw>,
    /// Draws whose units are taken at the response.
    pub(super) charges: Vec<PlannedDraw>,
}

impl Admission {
    /// Returns `true` if the request is held, counted until its end, or charged at its response.
    pub(super) const fn is_pending(&self) -> bool {
        !self.wait.is_zero() || !self.active.is_empty() || !self.charges.is_empty()
    }

    fn add_usage(&mut self, draw: &PlannedDraw, remaining: u64, reset: Duration) {
        self.usages.push(Usage { draw: *draw, remaining, reset, is_over: false });
    }
}

type Attempts<'p> = SmallVec<[Attempt<'p>; 2]>;

/// The decision about a request.
pub(super) enum Verdict {
    Admitted(Admission),
    Denied(Denial),
}

impl RateLimit {
    /// Draws from all limits of a request; takes nothing if one refuses it.
    pub(super) fn admit(&self, plan: &Plan, clocks: Clocks) -> Verdict {
        let (mut admission, mut denial) = (Admission::default(), Denial::default());
        self.acquire(plan, &mut admission, &mut denial);
        self.draw(plan, clocks, &mut admission, &mut denial);
        // Restore the order of the document.
        if !denial.is_refusal() {
            admission.usages.extend(denial.usages);
            admission.usages.sort_by_key(|usage| usage.draw.rule);
            return Verdict::Admitted(admission);
        }
        admission.active.drain(..).for_each(|draw| self.release(&draw));
        denial.sort();
        Verdict::Denied(denial)
    }

    /// Stops counting a concurrent request.
    pub(super) fn release(&self, draw: &PlannedDraw) {
        self.concurrency.release(&self.counts, draw);
    }

    /// Counts the request in the limits on concurrent requests.
    fn acquire(&self, plan: &Plan, admission: &mut Admission, denial: &mut Denial) {
        /// Requests end at unknown times, so this is the shortest possible time.
        const RETRY_AFTER: Duration = Duration::from_secs(1);
        for draw in plan.draws.iter().filter(|draw| draw.rate.is_none()) {
            match self.concurrency.acquire(&self.counts, draw, draw.quota) {
                Ok(Slot::Taken(remaining)) => {
                    admission.active.push(*draw);
                    admission.add_usage(draw, remaining, Duration::MAX);
                }
                Ok(Slot::Full) => self.refuse(draw, 0, RETRY_AFTER, denial),
                Ok(Slot::Untracked) => self.counters.count(Metric::Untracked),
                Err(error) => self.on_unreadable(draw, error, denial),
            }
        }
    }

    /// Draws from the rates.
    fn draw(&self, plan: &Plan, clocks: Clocks, admission: &mut Admission, denial: &mut Denial) {
        let mut attempts = Attempts::new();
        for draw in plan.draws.iter().filter(|draw| draw.rate.is_some()) {
            match self.counts.attempt(draw, clocks) {
                Ok(Ok(attempt)) => attempts.push(attempt),
                Ok(Err(refusal)) => {
                    self.refuse(draw, refusal.remaining, refusal.retry_after, denial);
                }
                Err(error) => self.on_unreadable(draw, error, denial),
            }
        }
        if !denial.is_refusal() {
            self.store(attempts, clocks, admission, denial);
        }
    }

    /// Takes the units of all draws; gives them back if a draw is refused meanwhile.
    fn store(
        &self,
        attempts: Attempts<'_>,
        clocks: Clocks,
        admission: &mut Admission,
        denial: &mut Denial,
    ) {
        let mut stored: SmallVec<[&PlannedDraw; 2]> = SmallVec::new();
        for mut attempt in attempts {
            let draw = attempt.draw;
            let mut is_drawn = true;
            if draw.is_charged {
                admission.charges.push(*draw);
            } else {
                match self.counts.store(&mut attempt, clocks) {
                    Ok(Stored::Yes) => {
                        stored.push(draw);
                        if attempt.admission.is_evicting {
                            self.counters.count_eviction(clocks.monotonic);
                        }
                    }
                    Ok(Stored::Contended) => self.counters.count(Metric::Contended),
                    Ok(Stored::Refused(refusal)) => {
                        self.refuse(draw, refusal.remaining, refusal.retry_after, denial);
                        is_drawn = false;
                    }
                    Err(error) => {
                        self.on_unreadable(draw, error, denial);
                        is_drawn = false;
                    }
                }
            }
            if denial.is_refusal() {
                return stored.into_iter().for_each(|draw| self.give_back(draw, clocks));
            }
            if !is_drawn {
                continue;
            }
            let drawn = attempt.admission;
            if draw.is_enforced {
                admission.wait = admission.wait.max(drawn.wait);
            }
            admission.add_usage(draw, drawn.remaining, drawn.reset);
        }
    }

    fn give_back(&self, draw: &PlannedDraw, clocks: Clocks) {
        if let Err(error) = self.counts.give_back(draw, clocks) {
            self.on_error(error);
        }
    }

    /// Passes a request whose limit cannot be read, unless the limit must have a key.
    fn on_unreadable(&self, draw: &PlannedDraw, error: HostError, denial: &mut Denial) {
        self.on_error(error);
        if draw.is_enforced && self.policy.denies_unreadable(draw.rule) {
            denial.refusals.push(Refusal { rule: draw.rule, retry_after: Duration::MAX });
        }
    }

    /// Counts a host call that failed.
    pub(super) fn on_error(&self, error: HostError) {
        log::warn!("a host call failed: {error:?}");
        self.counters.count(Metric::Errors);
    }

    /// Records a draw over its limit, which refuses the request if it is enforced.
    pub(super) fn refuse(
        &self,
        draw: &PlannedDraw,
        remaining: u64,
        retry_after: Duration,
        denial: &mut Denial,
    ) {
        let usage = Usage { draw: *draw, remaining, reset: retry_after, is_over: true };
        denial.usages.push(usage);
        self.counters.count_limit(draw.limit, LimitMetric::Denied);
        if draw.is_enforced {
            denial.refusals.push(Refusal { rule: draw.rule, retry_after });
        } else {
            self.counters.count(Metric::DryRun);
        }
    }
}
