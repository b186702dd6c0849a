//! The recent use of a key.

use std::time::Duration;

/// The interval that counts as recent.
const INTERVAL: Duration = Duration::from_millis(100);

/// Units used in the last 100 ms, estimated from the current and the previous interval.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RecentUse {
    /// Start of the current interval.
    start: Duration,
    current: u32,
    previous: u32,
}

impl RecentUse {
    pub(crate) fn add(&mut self, units: u32, now: Duration) {
        *self = self.advanced(now);
        self.current = self.current.saturating_add(units);
    }

    /// Returns the estimate: the previous interval counts by the share that is still recent.
    pub(crate) fn units(&self, now: Duration) -> u32 {
        let Self { start, current, previous } = self.advanced(now);
        let recent = INTERVAL.saturating_sub(now.saturating_sub(start)).as_micros();
        let share = u128::from(previous).saturating_mul(recent).checked_div(INTERVAL.as_micros());
        current.saturating_add(u32::try_from(share.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    fn advanced(self, now: Duration) -> Self {
        let next = self.start.saturating_add(INTERVAL);
        if now < next {
            self
        } else if now < next.saturating_add(INTERVAL) {
            Self { start: next, current: 0, previous: self.current }
        } else {
            Self { start: now, current: 0, previous: 0 }
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn forgets_units_after_two_intervals() {
        let millis = Duration::from_millis;
        let mut recent = RecentUse::default();
        recent.add(40, millis(1_000));
        for (now, units) in [(1_000, 40), (1_099, 40), (1_100, 40), (1_150, 20), (1_200, 0)] {
            assert_eq!(recent.units(millis(now)), units, "{now}");
        }
        recent.add(4, millis(1_175));
        assert_eq!(recent.units(millis(1_175)), 14);
        recent.add(u32::MAX, millis(1_175));
        assert_eq!(recent.units(millis(1_175)), u32::MAX);
        assert_eq!(recent.units(millis(9_000)), 0);
    }
}
