//! A window of any kind, applied to pages.

use std::time::Duration;

use crate::{
    page::Page,
    windows::{Amount, Draw, FixedWindow, SlidingWindow, State, TokenBucket, Window},
};

/// The window of a limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rate {
    /// A token bucket.
    TokenBucket(TokenBucket),
    /// A sliding window.
    Sliding(SlidingWindow),
    /// A fixed window.
    Fixed(FixedWindow),
}

/// The readings of the clocks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Clocks {
    /// Time since an arbitrary start.
    pub monotonic: Duration,
    /// Time since 1970; zero if no window needs it.
    pub wall: Duration,
}

/// The result of drawing units of a key from a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PageDraw {
    /// There are enough units; the page has changed.
    Admitted(PageAdmission),
    /// There are not enough units; nothing is taken.
    Refused {
        /// The refusal.
        refusal: PageRefusal,
        /// `true` if the page has changed, because the count was drawn with other numbers before.
        is_changed: bool,
    },
}

/// An admission.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PageAdmission {
    /// Whole units that are left.
    pub remaining: u64,
    /// Time for which the caller must hold the request.
    pub wait: Duration,
    /// Time until a unit is available if none is left, else until all are, if no request draws
    /// meanwhile.
    pub reset: Duration,
    /// Units that were taken in advance.
    pub leased: u64,
    /// `true` if a key lost its count.
    pub is_evicting: bool,
}

/// A refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PageRefusal {
    /// The time until the same draw succeeds if no request draws meanwhile; `Duration::MAX` if
    /// never.
    pub retry_after: Duration,
    /// Whole units that are left.
    pub remaining: u64,
}

impl Rate {
    /// Returns `true` if the window depends on the wall clock.
    #[must_use]
    pub const fn uses_wall_clock(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// Gives requests other numbers than those of the configuration, which their counts keep.
    #[must_use]
    pub fn for_counts_of(self, configured: &Self) -> Self {
        match (self, configured) {
            (Self::TokenBucket(bucket), Self::TokenBucket(configured)) => {
                Self::TokenBucket(bucket.for_counts_of(configured))
            }
            _ => self,
        }
    }

    /// Draws units of a key from a page.
    pub fn draw(&self, page: &mut Vec<u8>, key: u64, clocks: Clocks, amount: Amount) -> PageDraw {
        match self {
            Self::TokenBucket(bucket) => draw(bucket, page, key, clocks.monotonic, amount),
            Self::Sliding(window) => draw(window, page, key, clocks.monotonic, amount),
            Self::Fixed(window) => draw(window, page, key, clocks.wall, amount),
        }
    }

    /// Takes units of a key even if fewer are left. Returns `true` if a key lost its count.
    pub fn charge(&self, page: &mut Vec<u8>, key: u64, clocks: Clocks, units: u64) -> bool {
        self.change(page, key, clocks, Change::Charge(units))
    }

    /// Returns units of a key that were drawn with the same readings of the clocks.
    pub fn give_back(&self, page: &mut Vec<u8>, key: u64, clocks: Clocks, units: u64) {
        self.change(page, key, clocks, Change::GiveBack(units));
    }

    fn change(&self, page: &mut Vec<u8>, key: u64, clocks: Clocks, change: Change) -> bool {
        match self {
            Self::TokenBucket(bucket) => change.apply(bucket, page, key, clocks.monotonic),
            Self::Sliding(window) => change.apply(window, page, key, clocks.monotonic),
            Self::Fixed(window) => change.apply(window, page, key, clocks.wall),
        }
    }
}

/// A change of a count that always succeeds.
#[derive(Clone, Copy)]
enum Change {
    Charge(u64),
    GiveBack(u64),
}

impl Change {
    fn apply<W: Window>(self, window: &W, page: &mut Vec<u8>, key: u64, now: Duration) -> bool {
        let mut page = Page::<W::State>::open(page);
        let state = page.get(key);
        let state = window.adopt(state, now).unwrap_or(state);
        let next = match self {
            Self::Charge(units) => window.charge(state, now, units),
            Self::GiveBack(units) => window.give_back(state, now, units),
        };
        page.set(key, next, now)
    }
}

fn draw<W: Window>(
    window: &W,
    page: &mut Vec<u8>,
    key: u64,
    now: Duration,
    amount: Amount,
) -> PageDraw {
    let mut page = Page::<W::State>::open(page);
    let state = page.get(key);
    let adopted = window.adopt(state, now);
    match window.draw(adopted.unwrap_or(state), now, amount) {
        Draw::Admitted { next, remaining, wait, reset, leased } => {
            let is_evicting = page.set(key, next, now);
            PageDraw::Admitted(PageAdmission { remaining, wait, reset, leased, is_evicting })
        }
        Draw::Refused { retry_after, remaining } => {
            // Otherwise every draw would adopt the same state, and time would not pass for it.
            let adopted = adopted.filter(|state| !state.is_idle(now));
            if let Some(state) = adopted {
                page.set(key, state, now);
            }
            let refusal = PageRefusal { retry_after, remaining };
            PageDraw::Refused { refusal, is_changed: adopted.is_some() }
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rates() -> [Rate; 3] {
        [
            Rate::TokenBucket(TokenBucket::new(3, SECOND, 3).unwrap()),
            Rate::Sliding(SlidingWindow::new(3, SECOND)),
            Rate::Fixed(FixedWindow::new(3, SECOND, Duration::ZERO)),
        ]
    }

    #[test]
    fn keys_are_counted_separately() {
        let clocks = Clocks { monotonic: SECOND * 9, wall: SECOND * 70 };
        for rate in rates() {
            let mut page = Vec::new();
            for (key, left) in [(1, 2), (1, 1), (2, 2), (1, 0), (2, 1)] {
                let PageDraw::Admitted(drawn) = rate.draw(&mut page, key, clocks, 1.into()) else {
                    panic!("{rate:?} refused {key}")
                };
                assert_eq!(drawn.remaining, left, "{rate:?} {key}");
            }
            let before = page.clone();
            let PageDraw::Refused { refusal, is_changed: false } =
                rate.draw(&mut page, 1, clocks, 1.into())
            else {
                panic!("{rate:?}")
            };
            assert_eq!((refusal.remaining, &page), (0, &before), "{rate:?}");
            rate.give_back(&mut page, 1, clocks, 1);
            let drawn = rate.draw(&mut page, 1, clocks, 1.into());
            assert!(matches!(drawn, PageDraw::Admitted(_)), "{rate:?}");
        }
    }

    #[test]
    fn a_charge_takes_more_than_is_left() {
        let clocks = Clocks { monotonic: SECOND * 9, wall: SECOND * 70 };
        for rate in rates() {
            let mut page = Vec::new();
            assert!(!rate.charge(&mut page, 7, clocks, 1_000));
            let drawn = rate.draw(&mut page, 7, clocks, 1.into());
            assert!(matches!(drawn, PageDraw::Refused { .. }), "{rate:?}");
        }
    }

    #[test]
    fn time_passes_for_a_refused_count_with_new_numbers() {
        let hour = SECOND * 3_600;
        for (old, new) in [
            (
                Rate::TokenBucket(TokenBucket::new(3, hour, 1_000).unwrap()),
                Rate::TokenBucket(TokenBucket::new(3, SECOND, 3).unwrap()),
            ),
            (
                Rate::Sliding(SlidingWindow::new(9, hour)),
                Rate::Sliding(SlidingWindow::new(3, SECOND)),
            ),
            (
                Rate::Fixed(FixedWindow::new(9, hour, Duration::ZERO)),
                Rate::Fixed(FixedWindow::new(3, SECOND, Duration::ZERO)),
            ),
        ] {
            let at = |millis| {
                let now = hour + Duration::from_millis(millis);
                Clocks { monotonic: now, wall: now }
            };
            let mut page = Vec::new();
            old.charge(&mut page, 7, at(0), 1_000);
            let admitted: Vec<_> = (0u64..30)
                .filter(|tenth| {
                    let drawn = new.draw(&mut page, 7, at(100 * tenth), 1.into());
                    matches!(drawn, PageDraw::Admitted(_))
                })
                .collect();
            assert!((6..=9).contains(&admitted.len()), "{new:?} {admitted:?}");
        }
    }
}
