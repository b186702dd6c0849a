//! Drawing from all limits of a request, or from none.

use std::time::Duration;

use filter_host::Result;

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
    pub(super) usages: Vec<Usage>,
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

/// The decision about a request.
pub(super) enum Verdict {
    Admitted(Admission),
    Denied(Denial),
}

impl RateLimit {
    /// Draws from all limits of a request; takes nothing if one refuses it.
    ///
    /// # Errors
    ///
    /// Fails if a host call does; the request then does not count as active.
    pub(super) fn admit(&self, plan: &Plan, clocks: Clocks) -> Result<Verdict> {
        let (mut admission, mut denial) = (Admission::default(), Denial::default());
        let admitted = self
            .acquire(plan, &mut admission, &mut denial)
            .and_then(|()| self.draw(plan, clocks, &mut admission, &mut denial));
        if admitted.is_err() || denial.is_refusal() {
            admission.active.drain(..).for_each(|draw| self.release(&draw));
        }
        admitted?;
        let (is_refused, mut usages) = (denial.is_refusal(), denial.usages);
        usages.append(&mut admission.usages);
        // Restore the order of the document.
        usages.sort_by_key(|usage| usage.draw.rule);
        denial.refusals.sort_by_key(|refusal| refusal.rule);
        Ok(if is_refused {
            Verdict::Denied(Denial { usages, ..denial })
        } else {
            Verdict::Admitted(Admission { usages, ..admission })
        })
    }

    /// Stops counting a concurrent request.
    pub(super) fn release(&self, draw: &PlannedDraw) {
        self.concurrency.release(&self.counts, draw);
    }

    /// Counts the request in the limits on concurrent requests.
    fn acquire(&self, plan: &Plan, admission: &mut Admission, denial: &mut Denial) -> Result<()> {
        /// Requests end at unknown times, so this is the shortest possible time.
        const RETRY_AFTER: Duration = Duration::from_secs(1);
        for draw in plan.draws.iter().filter(|draw| draw.rate.is_none()) {
            match self.concurrency.acquire(&self.counts, draw, draw.quota)? {
                Slot::Taken(remaining) => {
                    admission.active.push(*draw);
                    admission.add_usage(draw, remaining, Duration::MAX);
                }
                Slot::Full => self.refuse(draw, 0, RETRY_AFTER, denial),
                Slot::Untracked => self.counters.count(Metric::Untracked),
            }
        }
        Ok(())
    }

    /// Draws from the rates.
    fn draw(
        &self,
        plan: &Plan,
        clocks: Clocks,
        admission: &mut Admission,
        denial: &mut Denial,
    ) -> Result<()> {
        let mut attempts = Vec::with_capacity(plan.draws.len());
        for draw in plan.draws.iter().filter(|draw| draw.rate.is_some()) {
            match self.counts.attempt(draw, clocks)? {
                Ok(attempt) => attempts.push(attempt),
                Err(refusal) => {
                    self.refuse(draw, refusal.remaining, refusal.retry_after, denial);
                }
            }
        }
        if denial.is_refusal() {
            return Ok(());
        }
        self.store(attempts, clocks, admission, denial)
    }

    /// Takes the units of all draws; gives them back if a draw is refused meanwhile.
    fn store(
        &self,
        attempts: Vec<Attempt<'_>>,
        clocks: Clocks,
        admission: &mut Admission,
        denial: &mut Denial,
    ) -> Result<()> {
        let mut stored: Vec<&PlannedDraw> = Vec::with_capacity(attempts.len());
        for mut attempt in attempts {
            let draw = attempt.draw;
            if draw.is_charged {
                admission.charges.push(*draw);
            } else {
                match self.counts.store(&mut attempt, clocks)? {
                    Stored::Yes => {
                        stored.push(draw);
                        if attempt.admission.is_evicting {
                            self.counters.count_eviction(clocks.monotonic);
                        }
                    }
                    Stored::Contended => self.counters.count(Metric::Contended),
                    Stored::Refused(refusal) => {
                        self.refuse(draw, refusal.remaining, refusal.retry_after, denial);
                        if denial.is_refusal() {
                            return stored
                                .into_iter()
                                .try_for_each(|draw| self.counts.give_back(draw, clocks));
                        }
                        continue;
                    }
                }
            }
            let drawn = attempt.admission;
            if draw.is_enforced {
                admission.wait = admission.wait.max(drawn.wait);
            }
            admission.add_usage(draw, drawn.remaining, drawn.reset);
        }
        Ok(())
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
