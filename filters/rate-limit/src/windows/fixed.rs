//! A window that begins anew at fixed times, like the quota of a plan.

use std::time::Duration;

use super::{Amount, Draw, State, Window, nanos, put};

/// Age in nanoseconds up to which an earlier reading of the clock comes from a slower worker; an
/// older one means that the clock went back.
const STALE: u64 = 1_000_000_000;

/// The length of a window, and the units in each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FixedWindow {
    limit: u32,
    /// Nanoseconds.
    per: u64,
    /// Nanoseconds from 1970 to the first boundary.
    offset: u64,
}

/// The units that were drawn in a window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FixedCount {
    /// The start of the window, in nanoseconds since 1970.
    start: u64,
    /// The end of the window.
    end: u64,
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

    /// Returns the count of the current window.
    ///
    /// Units count if their window began within the current one, also with an earlier configuration
    /// that has shorter windows. If the clock jumps, the window follows.
    fn current(&self, count: FixedCount, now: Duration) -> FixedCount {
        let now = count.at_least(nanos(now));
        let shifted = now.saturating_add(self.per).saturating_sub(self.offset);
        let elapsed = shifted.checked_rem(self.per).unwrap_or(0);
        let (start, end) =
            (now.saturating_sub(elapsed), now.saturating_add(self.per).saturating_sub(elapsed));
        let units = if (start..end).contains(&count.start) { count.units } else { 0 };
        FixedCount { start, end, units }
    }
}

impl Window for FixedWindow {
    type State = FixedCount;

    /// A count has the start and the end of its window, so it needs no other numbers.
    fn adopt(&self, _count: FixedCount, _now: Duration) -> Option<FixedCount> {
        None
    }

    fn draw(&self, count: FixedCount, now: Duration, amount: Amount) -> Draw<FixedCount> {
        let current = self.current(count, now);
        let usable = u64::from(self.limit).saturating_sub(amount.reserve);
        let remaining = usable.saturating_sub(current.units.into());
        let until_next = Duration::from_nanos(current.end.saturating_sub(nanos(now)));
        if amount.cost > remaining {
            let is_possible = amount.cost <= usable;
            let retry_after = if is_possible { until_next } else { Duration::MAX };
            return Draw::Refused { retry_after, remaining };
        }
        Draw::Admitted {
            next: current.with(amount.cost),
            remaining: remaining.saturating_sub(amount.cost),
            wait: Duration::ZERO,
            reset: until_next,
            leased: 0,
        }
    }

    fn charge(&self, count: FixedCount, now: Duration, units: u64) -> FixedCount {
        self.current(count, now).with(units)
    }

    fn give_back(&self, count: FixedCount, now: Duration, units: u64) -> FixedCount {
        if nanos(now) < count.start {
            // Another worker has begun a later window since.
            return count;
        }
        let current = self.current(count, now);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        FixedCount { units: current.units.saturating_sub(units), ..current }
    }
}

impl State for FixedCount {
    const KIND: u8 = 3;
    const BYTES: usize = 20;
    const PER_PAGE: usize = 12;

    fn is_idle(&self, now: Duration) -> bool {
        self.units == 0 || self.end <= nanos(now)
    }

    fn used(&self, now: Duration) -> u64 {
        if (self.start..self.end).contains(&nanos(now)) { self.units.into() } else { 0 }
    }

    fn write(&self, bytes: &mut [u8]) -> Option<()> {
        let bytes = put(bytes, self.start.to_le_bytes())?;
        let bytes = put(bytes, self.end.to_le_bytes())?;
        put(bytes, self.units.to_le_bytes())?.is_empty().then_some(())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (start, bytes) = bytes.split_first_chunk()?;
        let (end, units) = bytes.split_first_chunk()?;
        Some(Self {
            start: u64::from_le_bytes(*start),
            end: u64::from_le_bytes(*end),
            units: u32::from_le_bytes(units.try_into().ok()?),
        })
    }
}

impl FixedCount {
    /// Returns a reading of the clock in nanoseconds, or the start of the window if the reading is
    /// earlier by less than [`STALE`].
    fn at_least(&self, now: u64) -> u64 {
        if self.start.saturating_sub(now) < STALE { now.max(self.start) } else { now }
    }

    fn with(self, units: u64) -> Self {
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Self { units: self.units.saturating_add(units), ..self }
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
            match window.draw(count, now, 1.into()) {
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
            let refused = window.draw(FixedCount::default(), DAY, cost.into());
            assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 5 });
        }
    }

    #[test]
    fn an_older_reading_of_the_clock_keeps_the_later_window() {
        let window = FixedWindow::new(2, HOUR, Duration::ZERO);
        let (old, new) = (HOUR * 5 - Duration::from_millis(1), HOUR * 5);
        let count = window.charge(FixedCount::default(), new, 1);
        let Draw::Admitted { next, remaining, .. } = window.draw(count, old, 1.into()) else {
            panic!("refused")
        };
        assert_eq!((remaining, next.start), (0, count.start));
        assert!(matches!(window.draw(next, new, 1.into()), Draw::Refused { .. }));
        assert_eq!(window.give_back(next, old, 2), next, "they were drawn from the window before");
        assert!(!next.is_idle(old), "other keys of the page stay");
    }

    #[test]
    fn the_window_follows_a_clock_that_jumps() {
        let window = FixedWindow::new(1, HOUR, Duration::ZERO);
        let count = window.charge(FixedCount::default(), HOUR * 5, 1);
        for now in [HOUR * 3, HOUR * 4, HOUR * 5 - Duration::from_secs(1), HOUR * 6, HOUR * 50] {
            assert!(matches!(window.draw(count, now, 1.into()), Draw::Admitted { .. }), "{now:?}");
        }
    }

    #[test]
    fn a_longer_window_keeps_the_units() {
        let now = DAY * 20_000 + HOUR * 4;
        let hour = FixedWindow::new(10, HOUR, Duration::ZERO);
        let day = FixedWindow::new(10, DAY, Duration::ZERO);
        let Draw::Admitted { next, .. } = hour.draw(FixedCount::default(), now, 10.into()) else {
            panic!("refused")
        };
        assert!(matches!(day.draw(next, now + HOUR, 1.into()), Draw::Refused { .. }));
        assert!(matches!(day.draw(next, now + DAY, 1.into()), Draw::Admitted { .. }));
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
                let drawn = window.draw(count, now, cost.into());
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
