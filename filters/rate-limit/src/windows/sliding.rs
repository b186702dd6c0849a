//! A window that slides in eighths of its length.

use std::time::Duration;

use super::{Amount, Draw, State, Window, nanos, put};

/// Number of slices of a window. An interval of that length can touch one more.
const SLICES: u64 = 8;
/// Number of slices that are counted.
const COUNTED: usize = 9;

/// The length of a window, and the units in any interval of that length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SlidingWindow {
    limit: u32,
    /// Nanoseconds of a slice, rounded up.
    slice: u64,
}

/// The units that were drawn in the latest slices.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SlidingCounts {
    /// Nanoseconds of a slice.
    slice: u64,
    /// The number of the latest slice since the origin of the clock.
    latest: u64,
    /// Units in the latest slice and in those before it.
    units: [u32; COUNTED],
}

impl SlidingWindow {
    /// Creates a window that admits at most `limit` units in any interval of `per`.
    #[must_use]
    pub fn new(limit: u32, per: Duration) -> Self {
        Self { limit, slice: nanos(per).div_ceil(SLICES).max(1) }
    }

    /// Returns the time until enough slices have left the window.
    fn free_after(&self, counts: &SlidingCounts, now: Duration, limit: u64) -> Duration {
        let mut left = counts.total();
        if left <= limit {
            return Duration::ZERO;
        }
        // The oldest slice leaves the window when the next one begins.
        for (leaving, units) in (1u64..).zip(counts.units.iter().rev()) {
            left = left.saturating_sub(u64::from(*units));
            if left <= limit {
                let slice = counts.latest.saturating_add(leaving);
                let at = Duration::from_nanos(slice.saturating_mul(self.slice));
                return at.saturating_sub(now);
            }
        }
        Duration::MAX
    }
}

impl Window for SlidingWindow {
    type State = SlidingCounts;

    /// Units of a window of another length count as drawn now.
    fn adopt(&self, counts: SlidingCounts, now: Duration) -> Option<SlidingCounts> {
        if counts.slice == self.slice {
            return None;
        }
        let now = nanos(now);
        let mut units = [0; COUNTED];
        let [current, ..] = &mut units;
        *current = u32::try_from(counts.at(now).total()).unwrap_or(u32::MAX);
        let latest = now.checked_div(self.slice).unwrap_or(0);
        Some(SlidingCounts { slice: self.slice, latest, units })
    }

    /// A unit is free again up to an eighth of the window late, never early. If the clock went back,
    /// the units stay in their slices until it has caught up.
    fn draw(&self, counts: SlidingCounts, now: Duration, amount: Amount) -> Draw<SlidingCounts> {
        let mut next = counts.at(nanos(now));
        let limit = u64::from(self.limit);
        let usable = limit.saturating_sub(amount.reserve);
        let remaining = usable.saturating_sub(next.total());
        if amount.cost > remaining {
            let retry_after = match usable.checked_sub(amount.cost) {
                Some(limit) => self.free_after(&next, now, limit),
                None => Duration::MAX,
            };
            return Draw::Refused { retry_after, remaining };
        }
        next.take(amount.cost);
        let remaining = remaining.saturating_sub(amount.cost);
        let left = if remaining == 0 { usable.saturating_sub(1) } else { 0 };
        Draw::Admitted {
            next,
            remaining,
            wait: Duration::ZERO,
            reset: self.free_after(&next, now, left),
            leased: 0,
        }
    }

    fn charge(&self, counts: SlidingCounts, now: Duration, units: u64) -> SlidingCounts {
        let mut next = counts.at(nanos(now));
        next.take(units);
        next
    }

    fn give_back(&self, counts: SlidingCounts, now: Duration, units: u64) -> SlidingCounts {
        let mut next = counts.at(nanos(now));
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        // Another worker may have begun a later slice since.
        let drawn_in = nanos(now).checked_div(self.slice).unwrap_or(0);
        let age = usize::try_from(next.latest.saturating_sub(drawn_in)).unwrap_or(usize::MAX);
        if let Some(slice) = next.units.get_mut(age) {
            *slice = slice.saturating_sub(units);
        }
        next
    }
}

impl State for SlidingCounts {
    const KIND: u8 = 2;
    const BYTES: usize = 52;
    const PER_PAGE: usize = 8;

    fn is_idle(&self, now: Duration) -> bool {
        self.used(now) == 0
    }

    fn used(&self, now: Duration) -> u64 {
        self.at(nanos(now)).total()
    }

    fn write(&self, bytes: &mut [u8]) -> Option<()> {
        let bytes = put(bytes, self.slice.to_le_bytes())?;
        let mut bytes = put(bytes, self.latest.to_le_bytes())?;
        for units in self.units {
            bytes = put(bytes, units.to_le_bytes())?;
        }
        bytes.is_empty().then_some(())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (slice, bytes) = bytes.split_first_chunk()?;
        let (latest, bytes) = bytes.split_first_chunk()?;
        let (units, []) = bytes.as_chunks::<4>() else { return None };
        let units = <&[[u8; 4]; COUNTED]>::try_from(units).ok()?;
        Some(Self {
            slice: u64::from_le_bytes(*slice),
            latest: u64::from_le_bytes(*latest),
            units: units.map(u32::from_le_bytes),
        })
    }
}

impl SlidingCounts {
    /// Returns the counts at a time in nanoseconds.
    fn at(mut self, now: u64) -> Self {
        let Some(current) = now.checked_div(self.slice) else { return Self::default() };
        let Some(elapsed) = current.checked_sub(self.latest) else { return self };
        let elapsed = usize::try_from(elapsed).unwrap_or(usize::MAX).min(COUNTED);
        self.units.rotate_right(elapsed);
        self.units.iter_mut().take(elapsed).for_each(|units| *units = 0);
        self.latest = current;
        self
    }

    fn take(&mut self, units: u64) {
        let [latest, ..] = &mut self.units;
        *latest = latest.saturating_add(u32::try_from(units).unwrap_or(u32::MAX));
    }

    fn total(&self) -> u64 {
        self.units.iter().map(|units| u64::from(*units)).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests;
