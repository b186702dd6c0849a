//! A window that begins anew at fixed times, like the quota of a plan.

use std::time::Duration;

use super::{Amount, Draw, State, Window, nanos, put};

/// Age in nanoseconds up to which an earlier reading of the clock comes from a slower worker; an
/// older one means that the clock went back.
const STALE: u64 = 1_000_000_000;

/// The length of a window, and the units in each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FixedWindow {
    limit: u32,
    /// Nanoseconds.
    per: u64,
    /// Nanoseconds from 1970 to the first boundary.
    offset: u64,
}

/// The units that were drawn in a window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FixedCount {
    /// The start of the window, in nanoseconds since 1970.
    start: u64,
    /// The end of the window.
    end: u64,
    units: u32,
}

impl FixedWindow {
    /// Creates a window that admits at most `limit` units in each `per` of the wall clock, whose
    /// boundaries are `offset` later than the multiples of `per` since 1970.
    #[must_use]
    pub fn new(limit: u32, per: Duration, offset: Duration) -> Self {
        let per = nanos(per).max(1);
        Self { limit, per, offset: nanos(offset).checked_rem(per).unwrap_or(0) }
    }

    /// Returns the count of the current window.
    ///
    /// Units count if their window began within the current one, also with an earlier configuration
    /// that has shorter windows. If the clock jumps, the window follows.
    fn current(&self, count: FixedCount, now: Duration) -> FixedCount {
        let now = count.at_least(nanos(now));
        let shifted = now.saturating_add(self.per).saturating_sub(self.offset);
        let elapsed = shifted.checked_rem(self.per).unwrap_or(0);
        let (start, end) =
            (now.saturating_sub(elapsed), now.saturating_add(self.per).saturating_sub(elapsed));
        let units = if (start..end).contains(&count.start) { count.units } else { 0 };
        FixedCount { start, end, units }
    }
}

impl Window for FixedWindow {
    type State = FixedCount;

    /// A count has the start and the end of its window, so it needs no other numbers.
    fn adopt(&self, _count: FixedCount, _now: Duration) -> Option<FixedCount> {
        None
    }

    fn draw(&self, count: FixedCount, now: Duration, amount: Amount) -> Draw<FixedCount> {
        let current = self.current(count, now);
        let usable = u64::from(self.limit).saturating_sub(amount.reserve);
        let remaining = usable.saturating_sub(current.units.into());
        let until_next = Duration::from_nanos(current.end.saturating_sub(nanos(now)));
        if amount.cost > remaining {
            let is_possible = amount.cost <= usable;
            let retry_after = if is_possible { until_next } else { Duration::MAX };
            return Draw::Refused { retry_after, remaining };
        }
        Draw::Admitted {
            next: current.with(amount.cost),
            remaining: remaining.saturating_sub(amount.cost),
            wait: Duration::ZERO,
            reset: until_next,
            leased: 0,
        }
    }

    fn charge(&self, count: FixedCount, now: Duration, units: u64) -> FixedCount {
        self.current(count, now).with(units)
    }

    fn give_back(&self, count: FixedCount, now: Duration, units: u64) -> FixedCount {
        if nanos(now) < count.start {
            // Another worker has begun a later window since.
            return count;
        }
        let current = self.current(count, now);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        FixedCount { units: current.units.saturating_sub(units), ..current }
    }
}

impl State for FixedCount {
    const KIND: u8 = 3;
    const BYTES: usize = 20;
    const PER_PAGE: usize = 12;

    fn is_idle(&self, now: Duration) -> bool {
        self.units == 0 || self.end <= nanos(now)
    }

    fn used(&self, now: Duration) -> u64 {
        if (self.start..self.end).contains(&nanos(now)) { self.units.into() } else { 0 }
    }

    fn write(&self, bytes: &mut [u8]) -> Option<()> {
        let bytes = put(bytes, self.start.to_le_bytes())?;
        let bytes = put(bytes, self.end.to_le_bytes())?;
        put(bytes, self.units.to_le_bytes())?.is_empty().then_some(())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (start, bytes) = bytes.split_first_chunk()?;
        let (end, units) = bytes.split_first_chunk()?;
        Some(Self {
            start: u64::from_le_bytes(*start),
            end: u64::from_le_bytes(*end),
            units: u32::from_le_bytes(units.try_into().ok()?),
        })
    }
}

impl FixedCount {
    /// Returns a reading of the clock in nanoseconds, or the start of the window if the reading is
    /// earlier by less than [`STALE`].
    fn at_least(&self, now: u64) -> u64 {
        if self.start.saturating_sub(now) < STALE { now.max(self.start) } else { now }
    }

    fn with(self, units: u64) -> Self {
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Self { units: self.units.saturating_add(units), ..self }
    }
}

#[cfg(test)]
mod tests;
