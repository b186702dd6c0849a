//! Requests at once of each key.

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

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u32::from_le_bytes).map(Self)
    }
}

/// The result of counting one more active request of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Acquired {
    /// The request is counted; holds the page to store and the number of further requests.
    Counted(Vec<u8>, u64),
    /// There are as many as the limit admits.
    Refused,
    /// The page has no room for another key, so the request is not counted.
    Untracked,
}

/// Counts a request of a key in a page, unless `max` are active.
pub(crate) fn acquire(page: &[u8], key: u64, max: u64) -> Acquired {
    let mut page = Page::<ActiveCount>::from_bytes(page);
    let ActiveCount(active) = page.get(key);
    let Some(remaining) = max.checked_sub(u64::from(active)).and_then(|left| left.checked_sub(1))
    else {
        return Acquired::Refused;
    };
    if !page.has_room(key) {
        return Acquired::Untracked;
    }
    page.set(key, ActiveCount(active.saturating_add(1)), Duration::ZERO);
    Acquired::Counted(page.to_bytes(), remaining)
}

/// Removes a request of a key from a page. Returns the page to store.
pub(crate) fn release(page: &[u8], key: u64) -> Vec<u8> {
    let mut page = Page::<ActiveCount>::from_bytes(page);
    let ActiveCount(active) = page.get(key);
    page.set(key, ActiveCount(active.saturating_sub(1)), Duration::ZERO);
    page.to_bytes()
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
            let Acquired::Counted(next, remaining) = acquire(&page, key, 2) else {
                panic!("{key}")
            };
            assert_eq!(remaining, left);
            page = next;
        }
        assert_eq!(acquire(&page, 1, 2), Acquired::Refused);
        page = release(&page, 1);
        assert!(matches!(acquire(&page, 1, 2), Acquired::Counted(_, 0)));
    }

    #[test]
    fn a_full_page_tracks_no_further_key() {
        let mut page = Vec::new();
        for key in 0..16 {
            let Acquired::Counted(next, _) = acquire(&page, key, 2) else { panic!("{key}") };
            page = next;
        }
        assert_eq!(acquire(&page, 16, 2), Acquired::Untracked);
        assert!(matches!(acquire(&page, 3, 2), Acquired::Counted(..)));
        assert!(matches!(acquire(&release(&page, 3), 16, 2), Acquired::Counted(..)));
    }

    #[test]
    fn a_release_never_goes_below_zero() {
        let page = release(&[], 7);
        assert!(matches!(acquire(&page, 7, 1), Acquired::Counted(_, 0)));
    }
}
