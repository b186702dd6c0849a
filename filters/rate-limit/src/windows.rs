//! Windows: the units that a count has left at a time.
//!
//! A window has the numbers of the configuration. The state of a count is separate, so a new
//! configuration keeps it. Drawing returns the next state, which the caller stores only if every
//! limit admits the request.

use std::time::Duration;

mod fixed;
mod sliding;
mod token_bucket;

pub use self::{
    fixed::{FixedCount, FixedWindow},
    sliding::{SlidingCounts, SlidingWindow},
    token_bucket::{FullAt, TokenBucket, UnsupportedRate},
};

pub(crate) use self::token_bucket::LEASE;

/// The numbers of a limit.
pub trait Window {
    /// The state of one of its counts.
    type State: State;

    /// Returns the state with these numbers if it was written with others, as before a new
    /// configuration. All methods below need a state with these numbers.
    fn adopt(&self, state: Self::State, now: Duration) -> Option<Self::State>;

    /// Draws units at `now`.
    fn draw(&self, state: Self::State, now: Duration, amount: Amount) -> Draw<Self::State>;

    /// Takes units at `now`, even if fewer are left.
    fn charge(&self, state: Self::State, now: Duration, units: u64) -> Self::State;

    /// Returns units that were drawn at `now`.
    fn give_back(&self, state: Self::State, now: Duration, units: u64) -> Self::State;
}

/// The units to draw.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Amount {
    /// Units to take.
    pub cost: u64,
    /// Units that are left to other draws.
    pub reserve: u64,
    /// Maximum time for which the caller can hold the request; used only by a token bucket.
    pub max_wait: Duration,
    /// Further units to take in advance if the count has plenty; only a token bucket does.
    pub lease: u64,
}

/// The state of a count; the default is that of an unused one.
pub trait State: Copy + Default {
    /// Number that identifies this kind of state in shared data.
    const KIND: u8;
    /// Encoded length.
    const BYTES: usize;
    /// Number of counts in a page.
    const PER_PAGE: usize;

    /// Returns `true` if the state is that of an unused count.
    fn is_idle(&self, now: Duration) -> bool;

    /// Returns the use of the count, comparable only with counts of the same limit.
    fn used(&self, now: Duration) -> u64;

    /// Encodes the state; `None` unless there is room for exactly [`State::BYTES`].
    fn write(&self, bytes: &mut [u8]) -> Option<()>;

    /// Decodes a state; `None` unless there are exactly [`State::BYTES`].
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// The result of drawing units from a count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Draw<S> {
    /// There are enough units.
    Admitted {
        /// The state without those units.
        next: S,
        /// Whole units that are left.
        remaining: u64,
        /// Time for which the caller must hold the request, at most [`Amount::max_wait`].
        wait: Duration,
        /// Time until a unit is available if none is left, else until all are, if no request draws
        /// meanwhile.
        reset: Duration,
        /// Units that were taken in advance: they may be spent for 50 ms, and are lost then.
        leased: u64,
    },
    /// There are not enough units; nothing is taken.
    Refused {
        /// The time until the same draw succeeds if no request draws meanwhile; `Duration::MAX` if
        /// it asks for more than the count ever holds.
        retry_after: Duration,
        /// Whole units that are left, fewer than asked for.
        remaining: u64,
    },
}

impl From<u64> for Amount {
    fn from(cost: u64) -> Self {
        Self { cost, ..Self::default() }
    }
}

/// Encodes a number at the start of some bytes, and returns the rest.
fn put<const N: usize>(bytes: &mut [u8], number: [u8; N]) -> Option<&mut [u8]> {
    let (first, rest) = bytes.split_first_chunk_mut()?;
    *first = number;
    Some(rest)
}

/// Returns a duration in nanoseconds, at most `u64::MAX`.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
