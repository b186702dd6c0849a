//! A window that slides in eighths of its length.

use std::time::Duration;

use super::{Amount, Draw, State, Window, nanos, put};

/// Number of slices of a window. An interval of that length can touch one more.
const SLICES: u64 = 8;
/// Number of slices that are counted.
const COUNTED: usize = 9;

/// The length of a window, and the units in any interval of that length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SlidingWindow {
    limit: u32,
    /// Nanoseconds of a slice, rounded up.
    slice: u64,
}

/// The units that were drawn in the latest slices.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SlidingCounts {
    /// Nanoseconds of a slice.
    slice: u64,
    /// The number of the latest slice since the origin of the clock.
    latest: u64,
    /// Units in the latest slice and in those before it.
    units: [u32; COUNTED],
}

impl SlidingWindow {
    /// Creates a window that admits at most `limit` units in any interval of `per`.
    #[must_use]
    pub fn new(limit: u32, per: Duration) -> Self {
        Self { limit, slice: nanos(per).div_ceil(SLICES).max(1) }
    }

    /// Returns the time until enough slices have left the window.
    fn free_after(&self, counts: &SlidingCounts, now: Duration, limit: u64) -> Duration {
        let mut left = counts.total();
        if left <= limit {
            return Duration::ZERO;
        }
        // The oldest slice leaves the window when the next one begins.
        for (leaving, units) in (1u64..).zip(counts.units.iter().rev()) {
            left = left.saturating_sub(u64::from(*units));
            if left <= limit {
                let slice = counts.latest.saturating_add(leaving);
                let at = Duration::from_nanos(slice.saturating_mul(self.slice));
                return at.saturating_sub(now);
            }
        }
        Duration::MAX
    }
}

impl Window for SlidingWindow {
    type State = SlidingCounts;

    /// Units of a window of another length count as drawn now.
    fn adopt(&self, counts: SlidingCounts, now: Duration) -> Option<SlidingCounts> {
        if counts.slice == self.slice {
            return None;
        }
        let now = nanos(now);
        let mut units = [0; COUNTED];
        let [current, ..] = &mut units;
        *current = u32::try_from(counts.at(now).total()).unwrap_or(u32::MAX);
        let latest = now.checked_div(self.slice).unwrap_or(0);
        Some(SlidingCounts { slice: self.slice, latest, units })
    }

    /// A unit is free again up to an eighth of the window late, never early. If the clock went back,
    /// the units stay in their slices until it has caught up.
    fn draw(&self, counts: SlidingCounts, now: Duration, amount: Amount) -> Draw<SlidingCounts> {
        let mut next = counts.at(nanos(now));
        let limit = u64::from(self.limit);
        let usable = limit.saturating_sub(amount.reserve);
        let remaining = usable.saturating_sub(next.total());
        if amount.cost > remaining {
            let retry_after = match usable.checked_sub(amount.cost) {
                Some(limit) => self.free_after(&next, now, limit),
                None => Duration::MAX,
            };
            return Draw::Refused { retry_after, remaining };
        }
        next.take(amount.cost);
        Draw::Admitted {
            next,
            remaining: remaining.saturating_sub(amount.cost),
            wait: Duration::ZERO,
            reset: self.free_after(&next, now, 0),
            leased: 0,
        }
    }

    fn charge(&self, counts: SlidingCounts, now: Duration, units: u64) -> SlidingCounts {
        let mut next = counts.at(nanos(now));
        next.take(units);
        next
    }

    fn give_back(&self, counts: SlidingCounts, now: Duration, units: u64) -> SlidingCounts {
        let mut next = counts.at(nanos(now));
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        // Another worker may have begun a later slice since.
        let drawn_in = nanos(now).checked_div(self.slice).unwrap_or(0);
        let age = usize::try_from(next.latest.saturating_sub(drawn_in)).unwrap_or(usize::MAX);
        if let Some(slice) = next.units.get_mut(age) {
            *slice = slice.saturating_sub(units);
        }
        next
    }
}

impl State for SlidingCounts {
    const KIND: u8 = 2;
    const BYTES: usize = 52;
    const PER_PAGE: usize = 8;

    fn is_idle(&self, now: Duration) -> bool {
        self.used(now) == 0
    }

    fn used(&self, now: Duration) -> u64 {
        self.at(nanos(now)).total()
    }

    fn write(&self, bytes: &mut [u8]) -> Option<()> {
        let bytes = put(bytes, self.slice.to_le_bytes())?;
        let mut bytes = put(bytes, self.latest.to_le_bytes())?;
        for units in self.units {
            bytes = put(bytes, units.to_le_bytes())?;
        }
        bytes.is_empty().then_some(())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (slice, bytes) = bytes.split_first_chunk()?;
        let (latest, bytes) = bytes.split_first_chunk()?;
        let (units, []) = bytes.as_chunks::<4>() else { return None };
        let units = <&[[u8; 4]; COUNTED]>::try_from(units).ok()?;
        Some(Self {
            slice: u64::from_le_bytes(*slice),
            latest: u64::from_le_bytes(*latest),
            units: units.map(u32::from_le_bytes),
        })
    }
}

impl SlidingCounts {
    /// Returns the counts at a time in nanoseconds.
    fn at(mut self, now: u64) -> Self {
        let Some(current) = now.checked_div(self.slice) else { return Self::default() };
        let Some(elapsed) = current.checked_sub(self.latest) else { return self };
        let elapsed = usize::try_from(elapsed).unwrap_or(usize::MAX).min(COUNTED);
        self.units.rotate_right(elapsed);
        self.units.iter_mut().take(elapsed).for_each(|units| *units = 0);
        self.latest = current;
        self
    }

    fn take(&mut self, units: u64) {
        let [latest, ..] = &mut self.units;
        *latest = latest.saturating_add(u32::try_from(units).unwrap_or(u32::MAX));
    }

    fn total(&self) -> u64 {
        self.units.iter().map(|units| u64::from(*units)).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const PER: Duration = Duration::from_secs(8);

    fn draw(
        window: &SlidingWindow,
        counts: SlidingCounts,
        now: Duration,
        cost: u64,
    ) -> Draw<SlidingCounts> {
        window.draw(window.adopt(counts, now).unwrap_or(counts), now, cost.into())
    }

    fn charge(window: &SlidingWindow, now: Duration, units: u64) -> SlidingCounts {
        window.charge(window.adopt(SlidingCounts::default(), now).unwrap(), now, units)
    }

    #[test]
    fn gives_back_to_the_slice_of_the_draw() {
        let window = SlidingWindow::new(9, PER);
        let (old, new) = (Duration::from_millis(16_999), Duration::from_secs(17));
        let drawn = charge(&window, old, 2);
        let later = window.charge(drawn, new, 3);
        let given_back = window.give_back(later, old, 2);
        assert_eq!(given_back.units[..2], [3, 0]);
        assert_eq!(window.give_back(later, old - PER * 2, 2), later, "it is not counted any more");
    }

    #[test]
    fn a_unit_is_free_again_after_the_window() {
        let window = SlidingWindow::new(1, PER);
        let start = Duration::from_millis(16_500);
        let drawn = draw(&window, SlidingCounts::default(), start, 1);
        let Draw::Admitted { next, remaining: 0, .. } = drawn else { panic!("refused") };
        // Slice 16 is counted until slice 25 begins.
        let retry_after = Duration::from_millis(8_500);
        assert_eq!(draw(&window, next, start, 1), Draw::Refused { retry_after, remaining: 0 });
        let then = start + retry_after;
        let early = then - Duration::from_nanos(1);
        assert!(matches!(draw(&window, next, early, 1), Draw::Refused { .. }));
        assert!(matches!(draw(&window, next, then, 1), Draw::Admitted { .. }));
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing() {
        let window = SlidingWindow::new(1, PER);
        let drawn = draw(&window, SlidingCounts::default(), PER * 10, 1);
        let Draw::Admitted { next, .. } = drawn else { panic!("refused") };
        for now in [Duration::ZERO, PER, PER * 10] {
            assert!(matches!(draw(&window, next, now, 1), Draw::Refused { .. }), "{now:?}");
        }
    }

    #[test]
    fn an_impossible_cost_is_never_admitted() {
        let window = SlidingWindow::new(5, PER);
        for cost in [6, u64::MAX] {
            let refused = draw(&window, SlidingCounts::default(), PER, cost);
            assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 5 });
        }
    }

    #[test]
    fn a_window_of_another_length_keeps_the_units() {
        let (before, after) = (SlidingWindow::new(10, PER), SlidingWindow::new(10, PER * 100));
        for (old, new) in [(before, after), (after, before)] {
            let now = PER * 1_000;
            let drawn = draw(&old, SlidingCounts::default(), now, 10);
            let Draw::Admitted { next, .. } = drawn else { panic!("refused") };
            let later = now + PER / 2;
            assert!(matches!(draw(&new, next, later, 1), Draw::Refused { remaining: 0, .. }));
            let idle = now + PER * 200;
            assert!(matches!(draw(&new, next, idle, 1), Draw::Admitted { .. }));
        }
    }

    #[test]
    fn a_charge_can_exceed_the_limit_and_can_be_given_back() {
        let window = SlidingWindow::new(5, PER);
        let charged = charge(&window, PER, 8);
        assert!(matches!(draw(&window, charged, PER, 1), Draw::Refused { remaining: 0, .. }));
        let left = window.give_back(charged, PER, 4);
        assert!(matches!(draw(&window, left, PER, 1), Draw::Admitted { remaining: 0, .. }));
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        /// Checked against all admissions: never too many, and refused only if there were too many
        /// in the last window and an eighth.
        #[test]
        fn counts_the_last_window(
            limit in 1u32..=20,
            per_ms in 1_000u64..=100_000,
            arrivals in proptest::collection::vec((0u64..400, 1u64..3), 1..300),
        ) {
            let per = Duration::from_millis(per_ms);
            let window = SlidingWindow::new(limit, per);
            let (mut now, mut counts) = (Duration::from_secs(1), SlidingCounts::default());
            let mut admitted: Vec<(Duration, u64)> = Vec::new();
            for (gap, cost) in arrivals {
                now += per * u32::try_from(gap).unwrap() / 1_000;
                let since = |age: Duration| {
                    let is_recent = |(time, _): &&(Duration, u64)| *time + age > now;
                    admitted.iter().filter(is_recent).map(|(_, cost)| cost).sum::<u64>()
                };
                match draw(&window, counts, now, cost) {
                    Draw::Admitted { next, .. } => {
                        proptest::prop_assert!(since(per) + cost <= u64::from(limit));
                        counts = next;
                        admitted.push((now, cost));
                    }
                    Draw::Refused { retry_after, .. } => {
                        let late = per * 9 / 8 + Duration::from_nanos(16);
                        proptest::prop_assert!(since(late) + cost > u64::from(limit));
                        if cost <= u64::from(limit) {
                            let then = now + retry_after;
                            let later = draw(&window, counts, then, cost);
                            let is_admitted = matches!(later, Draw::Admitted { .. });
                            proptest::prop_assert!(is_admitted);
                        }
                    }
                }
            }
        }
    }
}
