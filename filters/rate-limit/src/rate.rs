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
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PageDraw {
    /// There are enough units.
    Admitted(PageAdmission),
    /// There are not enough units; nothing is taken.
    Refused(PageRefusal),
}

/// An admission, and the page to store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PageAdmission {
    /// The page without the units.
    pub page: Vec<u8>,
    /// Whole units that are left.
    pub remaining: u64,
    /// Time for which the caller must hold the request.
    pub wait: Duration,
    /// Time until the count is unused if no request draws meanwhile.
    pub reset: Duration,
    /// `true` if another key lost its count.
    pub is_evicting: bool,
}

/// A refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PageRefusal {
    /// The time until the same draw succeeds if no request draws meanwhile; `Duration::MAX` if never.
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

    /// Draws units of a key from a page.
    #[must_use]
    pub fn draw(&self, page: &[u8], key: u64, clocks: Clocks, amount: Amount) -> PageDraw {
        match self {
            Self::TokenBucket(bucket) => draw(bucket, page, key, clocks.monotonic, amount),
            Self::Sliding(window) => draw(window, page, key, clocks.monotonic, amount),
            Self::Fixed(window) => draw(window, page, key, clocks.wall, amount),
        }
    }

    /// Takes units of a key, also if fewer are left. Returns the page to store, and `true` if
    /// another key lost its count.
    #[must_use]
    pub fn charge(&self, page: &[u8], key: u64, clocks: Clocks, units: u64) -> (Vec<u8>, bool) {
        match self {
            Self::TokenBucket(bucket) => {
                change(page, key, clocks.monotonic, |state, now| bucket.charge(state, now, units))
            }
            Self::Sliding(window) => {
                change(page, key, clocks.monotonic, |state, now| window.charge(state, now, units))
            }
            Self::Fixed(window) => {
                change(page, key, clocks.wall, |state, now| window.charge(state, now, units))
            }
        }
    }

    /// Returns units of a key that were drawn with the same readings of the clocks. Returns the page
    /// to store.
    #[must_use]
    pub fn give_back(&self, page: &[u8], key: u64, clocks: Clocks, units: u64) -> Vec<u8> {
        let (page, _) = match self {
            Self::TokenBucket(bucket) => change(page, key, clocks.monotonic, |state, now| {
                bucket.give_back(state, now, units)
            }),
            Self::Sliding(window) => change(page, key, clocks.monotonic, |state, now| {
                window.give_back(state, now, units)
            }),
            Self::Fixed(window) => {
                change(page, key, clocks.wall, |state, now| window.give_back(state, now, units))
            }
        };
        page
    }
}

fn draw<W: Window>(window: &W, page: &[u8], key: u64, now: Duration, amount: Amount) -> PageDraw {
    let mut page = Page::<W::State>::from_bytes(page);
    match window.draw(page.get(key), now, amount) {
        Draw::Admitted { next, remaining, wait, reset } => {
            let is_evicting = page.set(key, next, now);
            let page = page.to_bytes();
            PageDraw::Admitted(PageAdmission { page, remaining, wait, reset, is_evicting })
        }
        Draw::Refused { retry_after, remaining } => {
            PageDraw::Refused(PageRefusal { retry_after, remaining })
        }
    }
}

fn change<S: State>(
    page: &[u8],
    key: u64,
    now: Duration,
    next: impl FnOnce(S, Duration) -> S,
) -> (Vec<u8>, bool) {
    let mut page = Page::<S>::from_bytes(page);
    let state = next(page.get(key), now);
    let is_evicting = page.set(key, state, now);
    (page.to_bytes(), is_evicting)
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
                let PageDraw::Admitted(drawn) = rate.draw(&page, key, clocks, 1.into()) else {
                    panic!("{rate:?} refused {key}")
                };
                assert_eq!(drawn.remaining, left, "{rate:?} {key}");
                page = drawn.page;
            }
            let PageDraw::Refused(refusal) = rate.draw(&page, 1, clocks, 1.into()) else {
                panic!("{rate:?}")
            };
            assert_eq!(refusal.remaining, 0, "{rate:?}");
            let given_back = rate.give_back(&page, 1, clocks, 1);
            let drawn = rate.draw(&given_back, 1, clocks, 1.into());
            assert!(matches!(drawn, PageDraw::Admitted { .. }), "{rate:?}");
        }
    }

    #[test]
    fn a_charge_takes_more_than_is_left() {
        let clocks = Clocks { monotonic: SECOND * 9, wall: SECOND * 70 };
        for rate in rates() {
            let (page, is_evicting) = rate.charge(&[], 7, clocks, 1_000);
            assert!(!is_evicting);
            let drawn = rate.draw(&page, 7, clocks, 1.into());
            assert!(matches!(drawn, PageDraw::Refused { .. }), "{rate:?}");
        }
    }
}
