//! Refusals that a worker remembers.

use std::time::Duration;

use crate::{PageRefusal, PlannedDraw, Rate};

/// Number of refusals.
const SLOTS: u64 = 1_024;
/// Time after which the count is read again.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The recent refusals of a worker, so that a flood of refused requests reads no shared data.
///
/// The units of a token bucket or a sliding window return only with time, so the same draw is
/// refused until then. Units that are given back, because another limit refused the request, are
/// noticed up to [`MAX_AGE`] late.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// Indexed by key; a refusal replaces an earlier one. Empty until the first refusal.
    slots: Vec<Option<Refusal>>,
}

#[derive(Clone, Copy, Debug)]
struct Refusal {
    draw: PlannedDraw,
    since: Duration,
    until: Duration,
    remaining: u64,
}

impl Refusals {
    /// Returns the refusal of a draw by an earlier one.
    pub(crate) fn find(&self, draw: &PlannedDraw, now: Duration) -> Option<PageRefusal> {
        let refusal = self.slots.get(slot(draw))?.as_ref()?;
        let earlier = &refusal.draw;
        let is_same =
            earlier.limit == draw.limit && earlier.key == draw.key && earlier.rate == draw.rate;
        let needs = |draw: &PlannedDraw| (draw.amount.cost, draw.amount.reserve);
        // A draw of more units is refused for a longer time.
        let needs_as_much = needs(draw) == needs(earlier);
        let left = refusal.until.saturating_sub(now);
        let is_old = now.saturating_sub(refusal.since) > MAX_AGE;
        // A request that can wait this long is not refused.
        if !is_same || !needs_as_much || is_old || left <= draw.amount.max_wait {
            return None;
        }
        Some(PageRefusal { retry_after: left, remaining: refusal.remaining })
    }

    /// Remembers a refusal at `now`.
    pub(crate) fn remember(&mut self, draw: &PlannedDraw, refusal: &PageRefusal, now: Duration) {
        let is_monotonic = matches!(draw.rate, Some(Rate::TokenBucket(_) | Rate::Sliding(_)));
        if !is_monotonic || refusal.retry_after == Duration::MAX {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize(usize::try_from(SLOTS).unwrap_or(0), None);
        }
        if let Some(entry) = self.slots.get_mut(slot(draw)) {
            let until = now.saturating_add(refusal.retry_after);
            *entry = Some(Refusal { draw: *draw, since: now, until, remaining: refusal.remaining });
        }
    }
}

fn slot(draw: &PlannedDraw) -> usize {
    let limit = u64::try_from(draw.limit).unwrap_or_default();
    let slot = (draw.key ^ limit.wrapping_mul(0x9e37_79b9)).checked_rem(SLOTS);
    usize::try_from(slot.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::{Amount, FixedWindow, TokenBucket};

    const SECOND: Duration = Duration::from_secs(1);

    fn draw() -> PlannedDraw {
        PlannedDraw {
            rule: 0,
            limit: 3,
            key: 99,
            rate: Some(Rate::TokenBucket(TokenBucket::new(1, SECOND, 5).unwrap())),
            amount: Amount { cost: 2, reserve: 1, ..Amount::default() },
            is_charged: false,
            is_enforced: true,
            quota: 5,
            burst: 5,
        }
    }

    #[test]
    fn refuses_the_same_draw_until_its_time() {
        let mut refusals = Refusals::default();
        let refusal = PageRefusal { retry_after: SECOND * 2, remaining: 1 };
        refusals.remember(&draw(), &refusal, SECOND * 10);
        let found =
            |draw: &PlannedDraw, now| refusals.find(draw, now).map(|found| found.retry_after);
        assert_eq!(found(&draw(), SECOND * 11), Some(SECOND));
        assert_eq!(found(&draw(), SECOND * 12), None);
        for other in [
            PlannedDraw { amount: Amount { cost: 3, ..draw().amount }, ..draw() },
            PlannedDraw { amount: Amount { reserve: 2, ..draw().amount }, ..draw() },
            PlannedDraw { amount: Amount { cost: 1, ..draw().amount }, ..draw() },
            PlannedDraw { amount: Amount { reserve: 0, ..draw().amount }, ..draw() },
            PlannedDraw { amount: Amount { max_wait: SECOND, ..draw().amount }, ..draw() },
            PlannedDraw { key: 98, ..draw() },
            PlannedDraw { key: 99 + SLOTS, ..draw() },
            PlannedDraw { limit: 2, ..draw() },
            PlannedDraw { rate: None, ..draw() },
        ] {
            assert_eq!(found(&other, SECOND * 11), None, "{other:?}");
        }
    }

    #[test]
    fn a_long_refusal_is_checked_each_second() {
        let mut refusals = Refusals::default();
        let day = SECOND * 86_400;
        let refusal = PageRefusal { retry_after: day, remaining: 0 };
        refusals.remember(&draw(), &refusal, SECOND);
        let found = |now| refusals.find(&draw(), now).map(|found| found.retry_after);
        assert_eq!(found(SECOND * 2), Some(day - SECOND));
        assert_eq!(found(SECOND * 2 + Duration::from_nanos(1)), None);
    }

    #[test]
    fn a_window_of_the_wall_clock_is_not_remembered() {
        let mut refusals = Refusals::default();
        let rate = Some(Rate::Fixed(FixedWindow::new(1, SECOND, Duration::ZERO)));
        let draw = PlannedDraw { rate, ..draw() };
        let refusal = PageRefusal { retry_after: SECOND, remaining: 0 };
        refusals.remember(&draw, &refusal, SECOND);
        assert_eq!(refusals.find(&draw, SECOND), None);
    }
}
