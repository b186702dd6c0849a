//! A token bucket, kept as the time at which it will be full again.
//!
//! The generic cell rate algorithm (ITU-T I.371) needs one instant per count, the theoretical
//! arrival time. Each unit taken advances it by the time in which the bucket gains one unit. An
//! instant in the past is a full bucket, so an idle count needs no memory.

use std::time::Duration;

use super::{Amount, Draw, State, Window, nanos, put};

/// Resolution of instants and intervals: at a million units per second, the rate is off by less
/// than 0.01 percent.
const TICKS_PER_NANO: u64 = 16;
/// Maximum time in which an empty bucket becomes full.
const MAX_FILL: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The time for which units that were taken in advance may be spent.
pub(crate) const LEASE: Duration = Duration::from_millis(50);
/// Only a bucket that takes this many times [`LEASE`] to become full leases units.
const MIN_LEASES: u64 = 16;
/// The part of the units left that one lease may take.
const LEASE_SHARE: u64 = 64;

/// The rate and the depth of a bucket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenBucket {
    /// Ticks in which the bucket gains one unit, rounded up.
    interval: u64,
    /// Ticks in which an empty bucket becomes full.
    depth: u64,
    /// The numbers to write into states.
    kept: Numbers,
    /// Ticks in which a bucket that was overdrawn most becomes empty.
    overdraft: u64,
}

/// The state of a bucket: the instant at which it will be full again.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FullAt {
    /// The instant in ticks.
    ticks: u64,
    /// The numbers of the configuration that wrote it.
    numbers: Numbers,
}

/// The numbers that define a bucket. All of them are 0 in the state of an unused count.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Numbers {
    /// Ticks in which the bucket gains one unit, rounded up.
    interval: u64,
    /// Units in a full bucket.
    burst: u32,
}

/// A rate at which the bucket would take more than 366 days to become full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnsupportedRate;

impl TokenBucket {
    /// Creates a bucket that gains `units` per `per`, and holds at most `burst`.
    ///
    /// # Errors
    ///
    /// Fails if `units`, `per` or `burst` is zero, `burst` exceeds 32 bits, or an empty bucket takes more
    /// than 366 days to become full.
    pub fn new(units: u64, per: Duration, burst: u64) -> Result<Self, UnsupportedRate> {
        let per = u128::from(nanos(per)).saturating_mul(u128::from(TICKS_PER_NANO));
        if units == 0 || per == 0 || burst == 0 {
            return Err(UnsupportedRate);
        }
        let interval = per.div_ceil(u128::from(units));
        let depth = interval.saturating_mul(u128::from(burst));
        if depth > u128::from(ticks(MAX_FILL)) {
            return Err(UnsupportedRate);
        }
        let as_ticks = |value: u128| u64::try_from(value).map_err(|_| UnsupportedRate);
        let burst = u32::try_from(burst).map_err(|_| UnsupportedRate)?;
        let (interval, depth) = (as_ticks(interval)?, as_ticks(depth)?);
        Ok(Self { interval, depth, kept: Numbers { interval, burst }, overdraft: 0 })
    }

    /// Allows the bucket to be overdrawn by the units that it gains in `per`.
    #[must_use]
    pub fn with_overdraft(self, per: Duration) -> Self {
        Self { overdraft: ticks(per), ..self }
    }

    /// Gives requests other numbers than those of the configuration, which their counts keep.
    ///
    /// Adopting counts for each request would let a client with a small and a large quota forget what
    /// it used of the large one.
    #[must_use]
    pub fn for_counts_of(self, configured: &Self) -> Self {
        Self { kept: configured.kept, ..self }
    }

    fn units(&self, ticks: u64) -> u64 {
        ticks.checked_div(self.interval).unwrap_or(0)
    }

    fn price(&self, units: u64) -> u64 {
        self.interval.saturating_mul(units)
    }

    fn full_in(&self, missing: u64, now: u64) -> FullAt {
        FullAt { ticks: now.saturating_add(missing), numbers: self.kept }
    }

    /// Returns a number of units to take in advance, and the ticks that are missing then; `None` if
    /// the bucket cannot spare any.
    ///
    /// Units that are spent late must not have been gained again before: a bucket that is full sooner
    /// than the lease ends counts as full when it ends.
    fn lease(&self, missing: u64, amount: Amount) -> Option<(u64, u64)> {
        let lease = ticks(LEASE);
        if amount.lease == 0 || self.depth < lease.saturating_mul(MIN_LEASES) {
            return None;
        }
        let own = missing.max(lease).saturating_add(self.price(amount.cost));
        let left = self.units(self.depth.checked_sub(own)?);
        let units = amount.lease.min(left.checked_div(LEASE_SHARE)?);
        (units > 0).then(|| (units, own.saturating_add(self.price(units))))
    }
}

impl Window for TokenBucket {
    type State = FullAt;

    /// The units that are left, or lacking, stay the same, but a bucket never overflows.
    ///
    /// Units therefore never come from workers that still have the other numbers.
    fn adopt(&self, state: FullAt, now: Duration) -> Option<FullAt> {
        if state.numbers == self.kept {
            return None;
        }
        let now = ticks(now);
        let missing = state.ticks.saturating_sub(now);
        let depth = state.numbers.depth();
        let scaled = |ticks: u64| {
            let product = u128::from(ticks).saturating_mul(self.kept.interval.into());
            let scaled = product.checked_div(state.numbers.interval.into()).unwrap_or(0);
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        let missing = match depth.checked_sub(missing) {
            Some(_) if missing == 0 => 0,
            Some(left) => self.kept.depth().saturating_sub(scaled(left)),
            None => {
                let debt = scaled(missing.saturating_sub(depth)).min(self.overdraft);
                self.kept.depth().saturating_add(debt)
            }
        };
        Some(self.full_in(missing, now))
    }

    fn draw(&self, state: FullAt, now: Duration, amount: Amount) -> Draw<FullAt> {
        let now = ticks(now);
        let missing = state.missing(now);
        let usable = self.depth.saturating_sub(self.price(amount.reserve));
        let price = self.price(amount.cost);
        let wanted = missing.saturating_add(price);
        let wait = duration(wanted.saturating_sub(usable));
        let is_possible = price <= usable;
        if is_possible && wait <= amount.max_wait {
            let (leased, wanted) = self.lease(missing, amount).unwrap_or((0, wanted));
            let remaining = self.units(usable.saturating_sub(wanted));
            let next_unit = wanted.saturating_add(self.interval).saturating_sub(usable);
            return Draw::Admitted {
                next: self.full_in(wanted, now),
                remaining,
                wait,
                reset: duration(if remaining == 0 { next_unit } else { wanted }),
                leased,
            };
        }
        Draw::Refused {
            retry_after: if is_possible { wait } else { Duration::MAX },
            remaining: self.units(usable.saturating_sub(missing)),
        }
    }

    fn charge(&self, state: FullAt, now: Duration, units: u64) -> FullAt {
        let now = ticks(now);
        let missing = state.missing(now);
        let most = self.depth.saturating_add(self.overdraft).max(missing);
        self.full_in(missing.saturating_add(self.price(units)).min(most), now)
    }

    fn give_back(&self, state: FullAt, _now: Duration, units: u64) -> FullAt {
        FullAt { ticks: state.ticks.saturating_sub(self.price(units)), ..state }
    }
}

impl State for FullAt {
    const KIND: u8 = 1;
    const BYTES: usize = 20;
    const PER_PAGE: usize = 16;

    fn is_idle(&self, now: Duration) -> bool {
        self.ticks <= ticks(now)
    }

    fn used(&self, _now: Duration) -> u64 {
        self.ticks
    }

    fn write(&self, bytes: &mut [u8]) -> Option<()> {
        let bytes = put(bytes, self.ticks.to_le_bytes())?;
        let bytes = put(bytes, self.numbers.interval.to_le_bytes())?;
        put(bytes, self.numbers.burst.to_le_bytes())?.is_empty().then_some(())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (ticks, bytes) = bytes.split_first_chunk()?;
        let (interval, burst) = bytes.split_first_chunk()?;
        let numbers = Numbers {
            interval: u64::from_le_bytes(*interval),
            burst: u32::from_le_bytes(burst.try_into().ok()?),
        };
        Some(Self { ticks: u64::from_le_bytes(*ticks), numbers })
    }
}

impl FullAt {
    /// Returns the ticks until the bucket is full.
    const fn missing(self, now: u64) -> u64 {
        self.ticks.saturating_sub(now)
    }
}

impl Numbers {
    /// Returns the ticks in which an empty bucket becomes full.
    fn depth(self) -> u64 {
        self.interval.saturating_mul(self.burst.into())
    }
}

#[cfg(test)]
impl FullAt {
    /// Returns a state of a bucket whose numbers do not matter.
    pub(crate) const fn at(ticks: u64) -> Self {
        Self { ticks, numbers: Numbers { interval: 1, burst: 1 } }
    }
}

fn ticks(time: Duration) -> u64 {
    nanos(time).saturating_mul(TICKS_PER_NANO)
}

/// Returns a number of ticks as a duration, rounded up.
fn duration(ticks: u64) -> Duration {
    Duration::from_nanos(ticks.div_ceil(TICKS_PER_NANO))
}

#[cfg(test)]
mod tests;
