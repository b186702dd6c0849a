//! How many faults a pod may have: values that all workers share.

use std::time::Duration;

/// A bucket of faults, one second deep, that fills at a fixed rate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    per_second: u64,
}

/// The answer of a [`Budget`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Taken {
    /// There was one; this is what is shared from now on.
    Fault(Vec<u8>),
    /// It is empty.
    Nothing,
}

/// A fault in the bucket's own unit, so that every nanosecond fills it by a whole number.
const FAULT: u64 = 1_000_000_000;

impl Budget {
    /// Fills at `per_second` faults a second; 1 to 1,000,000.
    pub const fn new(per_second: u64) -> Self {
        Self { per_second }
    }

    /// Takes one fault at `now` out of the bucket that `shared` describes; other bytes are a full one.
    pub fn take(self, shared: &[u8], now: Duration) -> Taken {
        let full = FAULT.saturating_mul(self.per_second);
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let (level, then) = read(shared).unwrap_or((full, nanos));
        // A clock that jumps back fills nothing, one that jumps ahead fills it once.
        let gained = nanos.saturating_sub(then).saturating_mul(self.per_second);
        let level = level.saturating_add(gained).min(full);
        match level.checked_sub(FAULT) {
            Some(left) => Taken::Fault(write(left, nanos)),
            None => Taken::Nothing,
        }
    }
}

fn read(shared: &[u8]) -> Option<(u64, u64)> {
    let (level, rest) = shared.split_first_chunk::<8>()?;
    let then = <[u8; 8]>::try_from(rest).ok()?;
    Some((u64::from_le_bytes(*level), u64::from_le_bytes(then)))
}

fn write(level: u64, nanos: u64) -> Vec<u8> {
    [level.to_le_bytes(), nanos.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests;
