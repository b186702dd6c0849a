//! The pages of a limit in shared data.

use std::borrow::Cow;

use filter_host::{Result, shared_data};

use crate::Limit;

/// The keys of the pages of a limit.
///
/// They contain the names of the plugin and the limit, but not the configuration, so that a new one
/// continues the counts. They contain the kind of the counts too, so that a worker with an earlier
/// configuration never writes counts of another kind into a page.
pub(super) struct Pages {
    prefix: String,
    /// One less than the number of pages; 0 without a key.
    mask: u64,
}

impl Pages {
    pub(super) fn new(plugin: &str, limit: &Limit) -> Self {
        let prefix = format!("{plugin}.{}.{}", limit.name, limit.kind_name());
        Self { prefix, mask: limit.pages.saturating_sub(1) }
    }

    /// Returns `true` if there is one page, with one count.
    pub(super) const fn is_single(&self) -> bool {
        self.mask == 0
    }

    /// Returns the key of the page with the count of a key.
    pub(super) fn key(&self, key: u64) -> Cow<'_, str> {
        if self.is_single() {
            return Cow::Borrowed(&self.prefix);
        }
        let page = key & self.mask;
        let mut text = String::with_capacity(self.prefix.len().saturating_add(5));
        text.push_str(&self.prefix);
        text.push('.');
        for shift in [12, 8, 4, 0] {
            let digit = u32::try_from(page >> shift & 0xf).unwrap_or_default();
            text.extend(char::from_digit(digit, 16));
        }
        Cow::Owned(text)
    }

    /// Creates the pages, unless another worker has created all of them; logs an error.
    pub(super) fn seed(&self) {
        if let Err(error) = self.try_seed() {
            log::error!("cannot create shared data {}: {error:?}", self.prefix);
        }
    }

    fn try_seed(&self) -> Result<()> {
        if self.is_single() {
            return shared_data::seed(&self.prefix, &[]);
        }
        let marker = format!("{}.mask", self.prefix);
        let mask = self.mask.to_le_bytes();
        let seeded = shared_data::read(&marker)?;
        if seeded.is_some_and(|seeded| is_at_least(&seeded.value, self.mask)) {
            return Ok(());
        }
        for page in 0..=self.mask {
            shared_data::seed(&self.key(page), &[])?;
        }
        shared_data::write(&marker, &mask)
    }
}

/// Returns `true` if the encoded mask includes all pages of `mask`.
fn is_at_least(encoded: &[u8], mask: u64) -> bool {
    encoded.try_into().map(u64::from_le_bytes).is_ok_and(|seeded| seeded >= mask)
}
