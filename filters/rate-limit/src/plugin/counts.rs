//! Counts in shared data.

use std::{borrow::Cow, cell::RefCell};

use filter_host::{
    HostError, Result, random,
    shared_data::{self, Versioned},
};

use super::pages::Pages;
use crate::{
    Amount, Clocks, Limit, PageAdmission, PageDraw, PageRefusal, PlannedDraw, Policy, Secret,
    lease::Lease, refusals::Refusals,
};

/// Attempts to write a page while other workers write it.
const MAX_ATTEMPTS: usize = 8;

/// The counts of all limits, in shared data and in the memory of a worker.
pub(super) struct Counts {
    /// The secret of the pod; all zeros if it cannot be read.
    pub(super) secret: Secret,
    /// Indexed by limit.
    limits: Vec<LimitCounts>,
    refusals: RefCell<Refusals>,
}

/// The counts of a limit.
struct LimitCounts {
    pages: Pages,
    /// `None` with a key.
    lease: Option<RefCell<Lease>>,
}

/// A draw that is admitted but not stored.
pub(super) struct Attempt<'p> {
    pub(super) draw: &'p PlannedDraw,
    pub(super) admission: PageAdmission,
    counts: &'p LimitCounts,
    /// `None` if a lease has the units.
    page: Option<AttemptedPage<'p>>,
}

/// A page as it is without the units of a draw.
struct AttemptedPage<'p> {
    key: Cow<'p, str>,
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
        if policy.is_idle() {
            let refusals = RefCell::default();
            return Self { secret: Secret::default(), limits: Vec::new(), refusals };
        }
        let plugin = shared_data::plugin_key("rate-limit");
        let secret = secret(&format!("{plugin}.secret")).unwrap_or_else(|error| {
            log::error!("cannot create shared data: {error:?}");
            Secret::default()
        });
        let limits = policy.limits().iter().map(|limit| LimitCounts::seed(&plugin, limit));
        Self { secret, limits: limits.collect(), refusals: RefCell::default() }
    }

    /// Returns the key of the page of a draw.
    pub(super) fn page_key(&self, draw: &PlannedDraw) -> Cow<'_, str> {
        self.limits.get(draw.limit).map(|counts| counts.pages.key(draw.key)).unwrap_or_default()
    }

    /// Reads the count of a draw and draws from it, without storing it.
    pub(super) fn attempt<'p>(
        &'p self,
        draw: &'p PlannedDraw,
        clocks: Clocks,
    ) -> Result<std::result::Result<Attempt<'p>, PageRefusal>> {
        let now = clocks.monotonic;
        if let Some(refusal) = self.refusals.borrow().find(draw, now) {
            return Ok(Err(refusal));
        }
        let counts = self.limits.get(draw.limit).ok_or(HostError::BadArgument)?;
        let leased = counts.lease.as_ref().and_then(|lease| lease.borrow().find(draw, now));
        if let Some(admission) = leased {
            return Ok(Ok(Attempt { draw, admission, counts, page: None }));
        }
        let key = counts.pages.key(draw.key);
        // The page exists unless it could not be created with the configuration.
        let mut seen = shared_data::read_or_seed(&key)?;
        let amount = counts.lease.as_ref().map(|lease| lease.borrow().amount(draw, now));
        match page_draw(draw, amount.unwrap_or(draw.amount), &key, &mut seen, clocks)? {
            Ok(admission) => {
                Ok(Ok(Attempt { draw, admission, counts, page: Some(AttemptedPage { key, seen }) }))
            }
            Err(refusal) => {
                self.refusals.borrow_mut().remember(draw, &refusal, now);
                Ok(Err(refusal))
            }
        }
    }

    /// Stores a draw; draws again if another worker was faster.
    pub(super) fn store(&self, attempt: &mut Attempt<'_>, clocks: Clocks) -> Result<Stored> {
        let Attempt { draw, admission, counts, page } = attempt;
        let (draw, now) = (*draw, clocks.monotonic);
        for _ in 0..MAX_ATTEMPTS {
            if let Some(AttemptedPage { key, seen }) = page {
                match shared_data::replace(key, seen, &seen.value) {
                    Err(HostError::CasMismatch) => {}
                    stored => {
                        stored?;
                        counts.change_lease(|lease| lease.renew(draw, admission, now));
                        return Ok(Stored::Yes);
                    }
                }
            } else if counts.change_lease(|lease| lease.spend(draw, now)) == Some(true) {
                return Ok(Stored::Yes);
            }
            let key = counts.pages.key(draw.key);
            let mut seen = shared_data::read_or_seed(&key)?;
            match page_draw(draw, draw.amount, &key, &mut seen, clocks)? {
                Ok(next) => *admission = next,
                Err(refusal) => return Ok(Stored::Refused(refusal)),
            }
            *page = Some(AttemptedPage { key, seen });
        }
        Ok(Stored::Contended)
    }

    /// Returns the units of a stored draw.
    pub(super) fn give_back(&self, draw: &PlannedDraw, clocks: Clocks) -> Result<()> {
        let (Some(rate), Some(counts)) = (draw.rate, self.limits.get(draw.limit)) else {
            return Ok(());
        };
        let now = clocks.monotonic;
        if counts.change_lease(|lease| lease.give_back(draw, now)) == Some(true) {
            return Ok(());
        }
        shared_data::update(&counts.pages.key(draw.key), |page| {
            let mut page = page.to_vec();
            rate.give_back(&mut page, draw.key, clocks, draw.amount.cost);
            Some(page)
        })
        .map(drop)
    }

    /// Takes units at the response. Returns `true` if a key lost its count.
    pub(super) fn charge(&self, draw: &PlannedDraw, clocks: Clocks, units: u64) -> Result<bool> {
        let Some(rate) = draw.rate else { return Ok(false) };
        let mut evicts = false;
        shared_data::update(&self.page_key(draw), |page| {
            let mut page = page.to_vec();
            evicts = rate.charge(&mut page, draw.key, clocks, units);
            Some(page)
        })?;
        Ok(evicts)
    }
}

impl LimitCounts {
    fn seed(plugin: &str, limit: &Limit) -> Self {
        let pages = Pages::new(plugin, limit);
        pages.seed();
        let lease = pages.is_single().then(RefCell::default);
        Self { pages, lease }
    }

    fn change_lease<T>(&self, change: impl FnOnce(&mut Lease) -> T) -> Option<T> {
        self.lease.as_ref().map(|lease| change(&mut lease.borrow_mut()))
    }
}

/// Draws from a page that was read.
fn page_draw(
    draw: &PlannedDraw,
    amount: Amount,
    key: &str,
    seen: &mut Versioned,
    clocks: Clocks,
) -> Result<std::result::Result<PageAdmission, PageRefusal>> {
    let rate = draw.rate.ok_or(HostError::BadArgument)?;
    Ok(match rate.draw(&mut seen.value, draw.key, clocks, amount) {
        PageDraw::Admitted(admission) => Ok(admission),
        PageDraw::Refused { refusal, is_changed } => {
            if is_changed {
                // If another worker was faster, the next refusal does it.
                let _ = shared_data::replace(key, seen, &seen.value);
            }
            Err(refusal)
        }
    })
}

/// Returns the secret of the pod, which the first worker creates.
fn secret(key: &str) -> Result<Secret> {
    let random = [random::bits().to_le_bytes(), random::bits().to_le_bytes()].concat();
    shared_data::seed(key, &random)?;
    let shared = shared_data::read(key)?.ok_or(HostError::NotFound)?;
    shared.value.try_into().map(Secret).map_err(|_| HostError::BadArgument)
}
