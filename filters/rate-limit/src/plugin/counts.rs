//! Counts in shared data.

use std::cell::RefCell;

use filter_host::{
    HostError, Result, random,
    shared_data::{self, Versioned},
};

use crate::{
    Clocks, Limit, PageAdmission, PageDraw, PageRefusal, PlannedDraw, Policy, Secret,
    refusals::Refusals,
};

/// Attempts to write a page while other workers write it.
const MAX_ATTEMPTS: usize = 8;

/// The pages of all limits, in shared data.
///
/// Their names contain the plugin and the limit but not the configuration, so that a new
/// configuration keeps the counts.
pub(super) struct Counts {
    /// The secret of the pod; all zeros if it cannot be read.
    pub(super) secret: Secret,
    /// Indexed by limit.
    limits: Vec<Pages>,
    refusals: RefCell<Refusals>,
}

/// The pages of a limit.
struct Pages {
    prefix: String,
    /// One less than the number of pages.
    mask: u64,
}

/// A draw that is admitted but not stored.
pub(super) struct Attempt<'p> {
    pub(super) draw: &'p PlannedDraw,
    pub(super) admission: PageAdmission,
    key: String,
    seen: Versioned,
}

/// The result of storing a draw.
pub(super) enum Stored {
    /// The units are taken.
    Yes,
    /// Other workers won every attempt; the units are not taken.
    Contended,
    /// Another worker took the units.
    Refused(PageRefusal),
}

impl Counts {
    /// Creates the pages that do not exist yet.
    pub(super) fn seed(policy: &Policy) -> Self {
        let prefix = shared_data::plugin_key("rate-limit");
        if policy.is_idle() {
            return Self {
                secret: Secret::default(),
                limits: Vec::new(),
                refusals: RefCell::default(),
            };
        }
        let secret = secret(&format!("{prefix}.secret")).unwrap_or_else(|error| {
            log::error!("cannot create shared data: {error:?}");
            Secret::default()
        });
        let pages = |limit: &Limit| {
            let pages = Pages {
                prefix: format!("{prefix}.{}", limit.name),
                mask: limit.pages.saturating_sub(1),
            };
            if let Err(error) = pages.seed() {
                log::error!("cannot create shared data {}: {error:?}", pages.prefix);
            }
            pages
        };
        let limits = policy.limits().iter().map(pages).collect();
        Self { secret, limits, refusals: RefCell::default() }
    }

    /// Returns the key of the page of a draw.
    pub(super) fn page_key(&self, draw: &PlannedDraw) -> String {
        self.limits.get(draw.limit).map(|pages| pages.key(draw.key)).unwrap_or_default()
    }

    /// Reads the page of a draw and draws from it, without storing it.
    pub(super) fn attempt<'p>(
        &self,
        draw: &'p PlannedDraw,
        clocks: Clocks,
    ) -> Result<std::result::Result<Attempt<'p>, PageRefusal>> {
        if let Some(refusal) = self.refusals.borrow().find(draw, clocks.monotonic) {
            return Ok(Err(refusal));
        }
        let key = self.page_key(draw);
        // The page exists unless it could not be created with the configuration.
        let mut seen = shared_data::read_or_seed(&key)?;
        Ok(match page_draw(draw, &mut seen.value, clocks)? {
            PageDraw::Admitted(admission) => Ok(Attempt { draw, admission, key, seen }),
            PageDraw::Refused(refusal) => {
                self.refusals.borrow_mut().remember(draw, &refusal, clocks.monotonic);
                Err(refusal)
            }
        })
    }

    /// Stores a draw; draws again if another worker was faster.
    pub(super) fn store(&self, attempt: &mut Attempt<'_>, clocks: Clocks) -> Result<Stored> {
        for _ in 0..MAX_ATTEMPTS {
            let Attempt { draw, admission, key, seen } = attempt;
            match shared_data::replace(key, seen, &seen.value) {
                Err(HostError::CasMismatch) => {}
                stored => return stored.map(|()| Stored::Yes),
            }
            *seen = shared_data::read(key)?.ok_or(HostError::NotFound)?;
            match page_draw(draw, &mut seen.value, clocks)? {
                PageDraw::Admitted(next) => *admission = next,
                PageDraw::Refused(refusal) => return Ok(Stored::Refused(refusal)),
            }
        }
        Ok(Stored::Contended)
    }

    /// Returns the units of a stored draw.
    pub(super) fn give_back(&self, draw: &PlannedDraw, clocks: Clocks) -> Result<()> {
        let Some(rate) = draw.rate else { return Ok(()) };
        let key = self.page_key(draw);
        shared_data::update(&key, |page| {
            let mut page = page.to_vec();
            rate.give_back(&mut page, draw.key, clocks, draw.amount.cost);
            Some(page)
        })
        .map(drop)
    }

    /// Takes units at the response. Returns `true` if a key lost its count.
    pub(super) fn charge(&self, draw: &PlannedDraw, clocks: Clocks, units: u64) -> Result<bool> {
        let Some(rate) = draw.rate else { return Ok(false) };
        let key = self.page_key(draw);
        let mut evicts = false;
        shared_data::update(&key, |page| {
            let mut page = page.to_vec();
            evicts = rate.charge(&mut page, draw.key, clocks, units);
            Some(page)
        })?;
        Ok(evicts)
    }
}

fn page_draw(draw: &PlannedDraw, page: &mut Vec<u8>, clocks: Clocks) -> Result<PageDraw> {
    let rate = draw.rate.ok_or(HostError::BadArgument)?;
    Ok(rate.draw(page, draw.key, clocks, draw.amount))
}

impl Pages {
    fn key(&self, key: u64) -> String {
        let page = key & self.mask;
        let mut text = String::with_capacity(self.prefix.len().saturating_add(5));
        text.push_str(&self.prefix);
        text.push('.');
        for shift in [12, 8, 4, 0] {
            let digit = u32::try_from(page >> shift & 0xf).unwrap_or_default();
            text.extend(char::from_digit(digit, 16));
        }
        text
    }

    /// Creates the pages, unless another worker has created all of them.
    fn seed(&self) -> Result<()> {
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

/// Returns the secret of the pod, which the first worker creates.
fn secret(key: &str) -> Result<Secret> {
    let random = [random::bits().to_le_bytes(), random::bits().to_le_bytes()].concat();
    shared_data::seed(key, &random)?;
    let shared = shared_data::read(key)?.ok_or(HostError::NotFound)?;
    shared.value.try_into().map(Secret).map_err(|_| HostError::BadArgument)
}
