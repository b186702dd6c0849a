//! The concurrent requests of each key.

use std::time::Duration;

use crate::{page::Page, windows::State};

/// The number of active requests of a key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct ActiveCount(u32);

impl State for ActiveCount {
    const KIND: u8 = 4;
    const BYTES: usize = 4;
    const PER_PAGE: usize = 16;

    fn is_idle(&self, _now: Duration) -> bool {
        self.0 == 0
    }

    fn used(&self, _now: Duration) -> u64 {
        self.0.into()
    }

    fn write(&self, bytes: &mut [u8]) -> Option<()> {
        <&mut [u8; 4]>::try_from(bytes).map(|bytes| *bytes = self.0.to_le_bytes()).ok()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u32::from_le_bytes).map(Self)
    }
}

/// The result of counting one more active request of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Acquired {
    /// The request is counted; holds the number of further requests.
    Counted(u64),
    /// There are as many as the limit admits.
    Refused,
    /// The page has no room for another key, so the request is not counted.
    Untracked,
}

/// Counts a request of a key in a page, unless `max` are active.
pub(crate) fn acquire(page: &mut Vec<u8>, key: u64, max: u64) -> Acquired {
    let mut page = Page::<ActiveCount>::open(page);
    let ActiveCount(active) = page.get(key);
    let Some(remaining) = max.checked_sub(u64::from(active)).and_then(|left| left.checked_sub(1))
    else {
        return Acquired::Refused;
    };
    if !page.has_room(key, Duration::ZERO) {
        return Acquired::Untracked;
    }
    page.set(key, ActiveCount(active.saturating_add(1)), Duration::ZERO);
    Acquired::Counted(remaining)
}

/// Removes a request of a key from a page. Returns `false` if the page does not have it.
pub(crate) fn release(page: &mut Vec<u8>, key: u64) -> bool {
    let mut page = Page::<ActiveCount>::open(page);
    let ActiveCount(active) = page.get(key);
    if active > 0 {
        page.set(key, ActiveCount(active.saturating_sub(1)), Duration::ZERO);
    }
    active > 0
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn counts_the_requests_of_each_key() {
        let mut page = Vec::new();
        for (key, left) in [(1, 1), (2, 1), (1, 0)] {
            assert_eq!(acquire(&mut page, key, 2), Acquired::Counted(left), "{key}");
        }
        assert_eq!(acquire(&mut page, 1, 2), Acquired::Refused);
        release(&mut page, 1);
        assert_eq!(acquire(&mut page, 1, 2), Acquired::Counted(0));
    }

    #[test]
    fn a_full_page_tracks_no_further_key() {
        let mut page = Vec::new();
        for key in 0..16 {
            assert_eq!(acquire(&mut page, key, 2), Acquired::Counted(1), "{key}");
        }
        assert_eq!(acquire(&mut page, 16, 2), Acquired::Untracked);
        assert_eq!(acquire(&mut page, 3, 2), Acquired::Counted(0));
        release(&mut page, 3);
        release(&mut page, 3);
        assert_eq!(acquire(&mut page, 16, 2), Acquired::Counted(1));
    }

    #[test]
    fn a_release_never_goes_below_zero() {
        let mut page = Vec::new();
        release(&mut page, 7);
        assert_eq!(acquire(&mut page, 7, 1), Acquired::Counted(0));
    }
}
