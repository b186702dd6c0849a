//! A window that begins anew at fixed times, as the quota of a plan.

use std::time::Duration;

use super::{Draw, State, Window, nanos};

/// The length of a window, and the units in each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FixedWindow {
    limit: u32,
    /// Nanoseconds.
    per: u64,
    /// Nanoseconds that the boundaries are later than those of the clock.
    offset: u64,
}

/// The units that were drawn in a window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FixedCount {
    /// The number of the window since the fixed point of the clock.
    window: u32,
    units: u32,
}

impl FixedWindow {
    /// Creates a window that admits at most `limit` units in each `per` of the wall clock, whose
    /// boundaries are `offset` later than the multiples of `per` since 1970.
    #[must_use]
    pub fn new(limit: u32, per: Duration, offset: Duration) -> Self {
        let per = nanos(per).max(1);
        Self { limit, per, offset: nanos(offset).checked_rem(per).unwrap_or(0) }
    }

    /// Returns the time since one window before the first boundary, so that a time before that
    /// boundary has a window too.
    fn shifted(&self, now: Duration) -> u64 {
        nanos(now).saturating_add(self.per).saturating_sub(self.offset)
    }
}

impl Window for FixedWindow {
    type State = FixedCount;

    fn time(&self, now: Duration) -> u32 {
        let number = self.shifted(now).checked_div(self.per).unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// If the clock jumps, the window follows.
    fn draw(&self, count: FixedCount, now: Duration, cost: u64, reserve: u64) -> Draw<FixedCount> {
        let window = self.time(now);
        let used = if count.window == window { count.units } else { 0 };
        let usable = u64::from(self.limit).saturating_sub(reserve);
        let remaining = usable.saturating_sub(used.into());
        if cost > remaining {
            let elapsed = self.shifted(now).checked_rem(self.per).unwrap_or(0);
            let is_possible = cost <= usable;
            let until_next = Duration::from_nanos(self.per.saturating_sub(elapsed));
            let retry_after = if is_possible { until_next } else { Duration::MAX };
            return Draw::Refused { retry_after, remaining };
        }
        let units = used.saturating_add(u32::try_from(cost).unwrap_or(u32::MAX));
        Draw::Admitted {
            next: FixedCount { window, units },
            remaining: remaining.saturating_sub(cost),
        }
    }
}

impl State for FixedCount {
    type Time = u32;
    const KIND: u8 = 3;
    const BYTES: usize = 8;
    const PER_PAGE: usize = 8;

    fn is_idle(&self, window: u32) -> bool {
        self.used(window) == 0
    }

    fn used(&self, window: u32) -> u64 {
        if self.window == window { self.units.into() } else { 0 }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.window.to_le_bytes());
        bytes.extend(self.units.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let ([window, units], []) = bytes.as_chunks::<4>() else { return None };
        Some(Self { window: u32::from_le_bytes(*window), units: u32::from_le_bytes(*units) })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn begins_anew_at_each_boundary() {
        let window = FixedWindow::new(2, DAY, HOUR * 5);
        let mut now = DAY * 20_000 + HOUR * 4;
        let mut count = FixedCount::default();
        for (later, is_admitted) in
            [(0, true), (0, true), (0, false), (1, true), (23, true), (0, false), (1, true)]
        {
            now += HOUR * later;
            match window.draw(count, now, 1, 0) {
                Draw::Admitted { next, .. } => {
                    assert!(is_admitted, "{now:?}");
                    count = next;
                }
                Draw::Refused { retry_after, .. } => {
                    assert!(!is_admitted, "{now:?}");
                    assert_eq!(retry_after, HOUR, "{now:?}");
                }
            }
        }
    }

    #[test]
    fn an_impossible_cost_is_never_admitted() {
        let window = FixedWindow::new(5, DAY, Duration::ZERO);
        for cost in [6, u64::MAX] {
            let refused = window.draw(FixedCount::default(), DAY, cost, 0);
            assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 5 });
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn never_exceeds_the_limit_in_a_window(
            limit in 1u32..=20,
            per_s in 1u64..=100_000,
            offset_s in 0u64..=200_000,
            arrivals in proptest::collection::vec((0u64..400, 1u64..3), 1..300),
        ) {
            let (per, offset) = (Duration::from_secs(per_s), Duration::from_secs(offset_s));
            let window = FixedWindow::new(limit, per, offset);
            let mut now = DAY * 20_000;
            let mut count = FixedCount::default();
            let mut by_window = std::collections::HashMap::<u64, u64>::new();
            for (gap, cost) in arrivals {
                now += per * u32::try_from(gap).unwrap() / 1_000;
                let number = nanos(now - Duration::from_secs(offset_s % per_s)) / nanos(per);
                let used = by_window.entry(number).or_default();
                let drawn = window.draw(count, now, cost, 0);
                let is_admitted = matches!(drawn, Draw::Admitted { .. });
                proptest::prop_assert_eq!(is_admitted, *used + cost <= u64::from(limit));
                if let Draw::Admitted { next, .. } = drawn {
                    count = next;
                    *used += cost;
                }
            }
        }
    }
}
