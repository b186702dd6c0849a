//! The state of one key.

use std::{mem, time::Duration};

use super::{BatchDraw, Settled, lots::Lots};
use crate::{
    recent_use::RecentUse,
    service::{Answer, Code, ServiceFailure},
};

/// Minimum validity of an answer, so that the requests that waited can use it.
pub(super) const MIN_VALIDITY: Duration = Duration::from_millis(10);
/// One batch takes at most the remaining units of a window divided by this.
const MAX_SHARE: u32 = 16;
/// Time after which the service is asked again about a refusal, because its limit may have changed.
const MAX_BELIEF: Duration = Duration::from_secs(30);

/// The units of a key, and what is known about its count.
#[derive(Clone, Debug, Default)]
pub(super) struct Grant {
    /// The number of the last draw, in the order of all keys.
    pub(super) last_draw: u64,
    lots: Lots,
    recent: RecentUse,
    /// Hits of the last call that was admitted.
    batch: u32,
    call: Option<Call>,
    /// `true` if the next call repeats a refused one with the fewest possible hits.
    is_repeat: bool,
    /// Units left in the window, as last reported.
    remaining: Option<Known>,
    /// Maximum batch after a larger one was refused.
    max_batch: Option<Known>,
    /// Fewest units that were refused.
    refused: Option<Known>,
    /// The end of the window in which they were refused.
    refused_until: Duration,
    /// Cost of each waiting request.
    waiting: Vec<u32>,
}

/// A call in flight.
#[derive(Clone, Copy, Debug)]
struct Call {
    hits: u32,
    asked_at: Duration,
}

/// A number of units, known until the window ends.
#[derive(Clone, Copy, Debug)]
struct Known {
    units: u32,
    until: Duration,
}

impl Grant {
    pub(super) fn peek(&self, cost: u32, now: Duration) -> BatchDraw {
        if self.lots.units(now) >= cost {
            return BatchDraw::Admitted;
        }
        match self.refused {
            Some(refused) if cost >= refused.units && now < refused.until => {
                BatchDraw::Refused { retry_after: self.refused_until.saturating_sub(now) }
            }
            _ => BatchDraw::Wait,
        }
    }

    pub(super) fn draw(&mut self, cost: u32, now: Duration) -> BatchDraw {
        let draw = self.peek(cost, now);
        match draw {
            BatchDraw::Admitted => {
                self.lots.spend(cost, now);
                self.recent.add(cost, now);
            }
            BatchDraw::Wait => self.waiting.push(cost),
            BatchDraw::Refused { .. } | BatchDraw::Exact => {}
        }
        draw
    }

    pub(super) fn give_back(&mut self, cost: u32, now: Duration) {
        self.lots.give_back(cost, now);
    }

    pub(super) fn leave(&mut self, cost: u32) {
        if let Some(index) = self.waiting.iter().position(|waiting| *waiting == cost) {
            self.waiting.swap_remove(index);
        }
    }

    /// Returns `true` if no request depends on this state.
    pub(super) const fn is_idle(&self) -> bool {
        self.call.is_none() && self.waiting.is_empty()
    }

    pub(super) fn next_call(&mut self, now: Duration, max_batch: u32) -> Option<u32> {
        if self.call.is_some() {
            return None;
        }
        let hits = if mem::take(&mut self.is_repeat) {
            self.least_cost()
        } else {
            self.hits(now, max_batch)?
        };
        self.call = Some(Call { hits, asked_at: now });
        Some(hits)
    }

    /// Returns the hits of the next call; `None` if none is needed.
    fn hits(&self, now: Duration, max_batch: u32) -> Option<u32> {
        let known = |known: Option<Known>| {
            known.filter(|known| now < known.until).map_or(u32::MAX, |known| known.units)
        };
        let max_batch = max_batch.min(known(self.max_batch));
        let remaining = known(self.remaining);
        let share = remaining.checked_div(MAX_SHARE).unwrap_or(0);
        let ahead = self.recent.units(now).min(max_batch).min(share);
        let Some(largest) = self.waiting.iter().max() else {
            // One unit in advance saves no wait if requests are rare, and could exhaust a small
            // limit.
            let is_half_spent = self.lots.units(now) <= self.batch >> 1;
            return (ahead > 1 && is_half_spent && ahead < known(self.refused)).then_some(ahead);
        };
        // Units for waiting requests are spent immediately, so the share does not apply.
        let waiting = self.waiting.iter().copied().fold(0, u32::saturating_add);
        Some(waiting.min(max_batch).min(remaining).max(ahead).max(*largest))
    }

    pub(super) fn on_answer(
        &mut self,
        answer: Result<&Answer, ServiceFailure>,
        now: Duration,
    ) -> Settled {
        let call = self.call.take();
        let answer = match (answer, call) {
            (Ok(answer), Some(call)) => Ok((answer, call)),
            (Ok(_), None) => Err(Settled::Redraw),
            (Err(failure), _) => Err(Settled::Failed(failure)),
        };
        let settled = match answer {
            Err(settled) => settled,
            Ok((answer, call)) if answer.code == Code::OverLimit => {
                // The window ended that much after the answer was sent, or later.
                let until_reset = answer.until_reset().max(MIN_VALIDITY);
                self.refused_until = now.saturating_add(until_reset);
                self.refuse(call.hits, now.saturating_add(until_reset.min(MAX_BELIEF)))
            }
            Ok((answer, call)) => {
                // The service read its clock after the call was sent.
                let end = call.asked_at.saturating_add(answer.until_reset());
                let end = end.max(now.saturating_add(MIN_VALIDITY));
                self.lots.add(call.hits, end, now);
                self.batch = call.hits;
                self.remaining = answer.remaining().map(|units| Known { units, until: end });
                self.refused = None;
                Settled::Redraw
            }
        };
        if settled != Settled::AskAgain {
            self.waiting = Vec::new();
        }
        settled
    }

    /// Records that the service refused a call.
    fn refuse(&mut self, hits: u32, until: Duration) -> Settled {
        if hits > self.least_cost() {
            self.max_batch = Some(Known { units: hits >> 1, until });
            self.is_repeat = true;
            return Settled::AskAgain;
        }
        self.refused = Some(Known { units: hits, until });
        Settled::Redraw
    }

    /// Returns the cost of the cheapest waiting request; 1 if none waits.
    fn least_cost(&self) -> u32 {
        self.waiting.iter().copied().min().unwrap_or(1)
    }
}
