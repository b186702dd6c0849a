//! Units with the ends of their windows.

use std::time::Duration;

/// The unspent units of a key, the earliest end first.
///
/// At most two windows are open at a time, unless a request costs more than all units; its units
/// then join the later window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lots([Lot; 2]);

#[derive(Clone, Copy, Debug, Default)]
struct Lot {
    units: u32,
    end: Duration,
}

impl Lots {
    /// Returns the units that can be spent.
    pub(super) fn units(&self, now: Duration) -> u32 {
        self.0.iter().map(|lot| lot.units(now)).fold(0, u32::saturating_add)
    }

    /// Adds units that end at `end`.
    pub(super) fn add(&mut self, units: u32, end: Duration, now: Duration) {
        let [first, second] = self.0;
        let added = Lot { units, end };
        self.0 = match (first.units(now), second.units(now)) {
            (0, 0) => [added, Lot::default()],
            (0, _) => [second, added],
            (_, 0) => [first, added],
            // The earlier end applies to both, so no unit is spent after its window.
            _ => {
                [first, Lot { units: second.units.saturating_add(units), end: second.end.min(end) }]
            }
        };
        self.0.sort_by_key(|lot| lot.end);
    }

    /// Spends units if there are enough; returns `true` if so.
    pub(super) fn spend(&mut self, units: u32, now: Duration) -> bool {
        if self.units(now) < units {
            return false;
        }
        let mut left = units;
        for lot in &mut self.0 {
            let spent = lot.units(now).min(left);
            lot.units = lot.units.saturating_sub(spent);
            left = left.saturating_sub(spent);
        }
        true
    }

    /// Returns units that were spent at `now`, with the earliest end.
    pub(super) fn give_back(&mut self, units: u32, now: Duration) {
        if let Some(lot) = self.0.iter_mut().find(|lot| now < lot.end) {
            lot.units = lot.units.saturating_add(units);
        }
    }
}

impl Lot {
    fn units(&self, now: Duration) -> u32 {
        if now < self.end { self.units } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NOW: Duration = Duration::ZERO;

    #[test]
    fn spends_first_what_ends_first() {
        let mut lots = Lots::default();
        lots.add(5, SECOND * 2, NOW);
        lots.add(3, SECOND, NOW);
        assert!(lots.spend(4, NOW));
        assert_eq!((lots.units(NOW), lots.units(SECOND), lots.units(SECOND * 2)), (4, 4, 0));
        assert!(!lots.spend(5, NOW));
        assert!(lots.spend(4, NOW));
    }

    #[test]
    fn a_third_window_ends_with_the_second() {
        let mut lots = Lots::default();
        for seconds in 1..=3 {
            lots.add(10, SECOND * seconds, NOW);
        }
        assert_eq!(lots.units(NOW), 30);
        assert_eq!(lots.units(SECOND), 20);
        assert_eq!(lots.units(SECOND * 2), 0);
    }

    #[test]
    fn returned_units_have_the_earliest_end() {
        let mut lots = Lots::default();
        lots.add(3, SECOND, NOW);
        lots.add(5, SECOND * 2, NOW);
        assert!(lots.spend(6, NOW));
        lots.give_back(6, NOW);
        assert_eq!((lots.units(NOW), lots.units(SECOND)), (8, 2));
        lots.give_back(1, SECOND);
        assert_eq!(lots.units(SECOND), 3);
        lots.give_back(1, SECOND * 2);
        assert_eq!(lots.units(SECOND * 2), 0);
    }
}
