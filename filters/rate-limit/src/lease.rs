//! Units that a worker has taken in advance.

use std::time::Duration;

use crate::{
    PageAdmission, PlannedDraw, Rate,
    recent_use::RecentUse,
    windows::{Amount, LEASE},
};

/// The maximum number of units of a lease.
const MAX_UNITS: u64 = 64;
/// The part of the recent use that a lease may take: half of what 50 ms take.
const SHARE_OF_USE: u64 = 4;

/// The lease of a limit without a key, so that a busy worker reads no shared data for most requests.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    /// The window from which the units were taken.
    rate: Option<Rate>,
    units: u64,
    /// The end of the lease; units that are not spent then are lost, because they could be too many
    /// later.
    until: Duration,
    /// Whole units in the count, besides those of the lease.
    remaining: u64,
    /// The time at which the count will be unused.
    unused_at: Duration,
    recent: RecentUse,
}

impl Lease {
    /// Returns the admission of a draw; `None` if the lease does not have its units.
    pub(crate) fn find(&self, draw: &PlannedDraw, now: Duration) -> Option<PageAdmission> {
        let left = self.units.checked_sub(draw.amount.cost)?;
        self.is_valid(draw, now).then(|| PageAdmission {
            remaining: self.remaining.saturating_add(left),
            reset: self.unused_at.saturating_sub(now),
            ..PageAdmission::default()
        })
    }

    /// Spends the units of a draw. Returns `false` if the lease does not have them.
    pub(crate) fn spend(&mut self, draw: &PlannedDraw, now: Duration) -> bool {
        let Some(left) = self.units.checked_sub(draw.amount.cost) else { return false };
        if !self.is_valid(draw, now) {
            return false;
        }
        self.units = left;
        self.add_use(draw, now);
        true
    }

    /// Returns units that were spent at the same time. Returns `false` if there is no lease.
    pub(crate) fn give_back(&mut self, draw: &PlannedDraw, now: Duration) -> bool {
        let is_valid = self.is_valid(draw, now);
        if is_valid {
            self.units = self.units.saturating_add(draw.amount.cost);
        }
        is_valid
    }

    /// Returns what to draw from the count: the units of a draw, and those of a new lease.
    pub(crate) fn amount(&self, draw: &PlannedDraw, now: Duration) -> Amount {
        let recent = u64::from(self.recent.units(now));
        let lease = recent.checked_div(SHARE_OF_USE).unwrap_or(0).min(MAX_UNITS);
        Amount { lease: if can_lease(draw) { lease } else { 0 }, ..draw.amount }
    }

    /// Records a draw from the count.
    pub(crate) fn renew(&mut self, draw: &PlannedDraw, drawn: &PageAdmission, now: Duration) {
        self.add_use(draw, now);
        if drawn.leased > 0 {
            self.rate = draw.rate;
            self.units = drawn.leased;
            self.until = now.saturating_add(LEASE);
            self.remaining = drawn.remaining;
            self.unused_at = now.saturating_add(drawn.reset);
        }
    }

    fn is_valid(&self, draw: &PlannedDraw, now: Duration) -> bool {
        now < self.until && self.rate == draw.rate && can_lease(draw)
    }

    fn add_use(&mut self, draw: &PlannedDraw, now: Duration) {
        self.recent.add(u32::try_from(draw.amount.cost).unwrap_or(u32::MAX), now);
    }
}

/// Returns `true` if a draw takes its units now, and may take all that are left.
const fn can_lease(draw: &PlannedDraw) -> bool {
    let Amount { reserve, max_wait, .. } = draw.amount;
    reserve == 0 && max_wait.is_zero() && !draw.is_charged
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::TokenBucket;

    const NOW: Duration = Duration::from_secs(9);

    fn draw() -> PlannedDraw {
        let rate = Rate::TokenBucket(TokenBucket::new(5, Duration::from_secs(1), 5).unwrap());
        PlannedDraw {
            rate: Some(rate),
            amount: 2.into(),
            quota: 5,
            burst: 5,
            ..PlannedDraw::default()
        }
    }

    fn lease(units: u64) -> Lease {
        let mut lease = Lease::default();
        let reset = Duration::from_secs(3);
        let drawn =
            PageAdmission { leased: units, remaining: 10, reset, ..PageAdmission::default() };
        lease.renew(&draw(), &drawn, NOW);
        lease
    }

    #[test]
    fn spends_its_units_once() {
        let mut lease = lease(5);
        assert_eq!(lease.find(&draw(), NOW).unwrap().remaining, 13);
        assert!(lease.spend(&draw(), NOW));
        assert!(lease.spend(&draw(), NOW));
        assert!(!lease.spend(&draw(), NOW));
        assert_eq!(lease.find(&draw(), NOW), None);
        assert!(lease.give_back(&draw(), NOW));
        assert!(lease.spend(&draw(), NOW));
        assert!(!lease.spend(&draw(), NOW));
    }

    #[test]
    fn ends_after_50_ms() {
        let mut lease = lease(5);
        let last = NOW + LEASE - Duration::from_nanos(1);
        assert_eq!(lease.find(&draw(), last).unwrap().reset, Duration::from_nanos(2_950_000_001));
        assert_eq!(lease.find(&draw(), NOW + LEASE), None);
        assert!(!lease.spend(&draw(), NOW + LEASE));
        assert!(!lease.give_back(&draw(), NOW + LEASE));
        assert!(lease.spend(&draw(), last));
    }

    #[test]
    fn serves_only_draws_that_may_take_all_units() {
        let lease = lease(5);
        let amount = draw().amount;
        for other in [
            PlannedDraw { amount: Amount { reserve: 1, ..amount }, ..draw() },
            PlannedDraw { amount: Amount { max_wait: LEASE, ..amount }, ..draw() },
            PlannedDraw { is_charged: true, ..draw() },
            PlannedDraw { rate: None, ..draw() },
        ] {
            assert_eq!(lease.find(&other, NOW), None, "{other:?}");
            assert_eq!(lease.amount(&other, NOW).lease, 0, "{other:?}");
        }
    }

    #[test]
    fn takes_a_quarter_of_the_use_of_the_last_100_ms() {
        let mut lease = lease(0);
        let ask = |lease: &Lease, now| lease.amount(&draw(), now).lease;
        assert_eq!(ask(&lease, NOW), 0);
        for _ in 0..9 {
            lease.renew(&draw(), &PageAdmission::default(), NOW);
        }
        assert_eq!(ask(&lease, NOW), 5);
        assert_eq!(ask(&lease, NOW + Duration::from_secs(1)), 0);
        for _ in 0..900 {
            lease.renew(&draw(), &PageAdmission::default(), NOW);
        }
        assert_eq!(ask(&lease, NOW), MAX_UNITS);
    }
}
