//! A token bucket, kept as the time at which it will be full again.
//!
//! The generic cell rate algorithm (ITU-T I.371) needs one instant per count, the theoretical
//! arrival time. Each unit taken advances it by the time in which the bucket gains one unit. An
//! instant in the past is a full bucket, so an idle count needs no memory.

use std::time::Duration;

use super::{Amount, Draw, State, Window, nanos};

/// Resolution of instants and intervals: at a million units per second, the rate is off by less
/// than 0.01 percent.
const TICKS_PER_NANO: u64 = 16;
/// Maximum time in which an empty bucket becomes full.
const MAX_FILL: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The rate and the depth of a bucket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenBucket {
    /// Ticks in which the bucket gains one unit, rounded up.
    interval: u64,
    /// Ticks in which an empty bucket becomes full.
    depth: u64,
    /// Ticks in which a fully overdrawn bucket becomes empty.
    overdraft: u64,
}

/// The state of a bucket: the instant at which it will be full again, in ticks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FullAt(pub u64);

/// A rate at which the bucket would take more than 366 days to become full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnsupportedRate;

impl TokenBucket {
    /// Creates a bucket that gains `units` per `per`, and holds at most `burst`.
    ///
    /// # Errors
    ///
    /// Fails if `units`, `per` or `burst` is zero, or an empty bucket takes more than 366 days to
    /// become full.
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
        Ok(Self { interval: as_ticks(interval)?, depth: as_ticks(depth)?, overdraft: 0 })
    }

    /// Allows the bucket to be overdrawn by the units that it gains in `per`.
    #[must_use]
    pub fn with_overdraft(self, per: Duration) -> Self {
        Self { overdraft: ticks(per), ..self }
    }

    /// Returns the ticks until the bucket is full.
    ///
    /// Limited to a fully overdrawn bucket, for states of a larger `burst` or a clock that went
    /// back.
    fn missing(&self, FullAt(full_at): FullAt, now: u64) -> u64 {
        full_at.saturating_sub(now).min(self.depth.saturating_add(self.overdraft))
    }

    fn units(&self, ticks: u64) -> u64 {
        ticks.checked_div(self.interval).unwrap_or(0)
    }
}

impl Window for TokenBucket {
    type State = FullAt;

    fn draw(&self, state: FullAt, now: Duration, amount: Amount) -> Draw<FullAt> {
        let now = ticks(now);
        let missing = self.missing(state, now);
        let usable = self.depth.saturating_sub(self.interval.saturating_mul(amount.reserve));
        let price = self.interval.saturating_mul(amount.cost);
        let wanted = missing.saturating_add(price);
        let wait = duration(wanted.saturating_sub(usable));
        let is_possible = price <= usable;
        if is_possible && wait <= amount.max_wait {
            return Draw::Admitted {
                next: FullAt(now.saturating_add(wanted)),
                remaining: self.units(usable.saturating_sub(wanted)),
                wait,
                reset: duration(wanted),
            };
        }
        Draw::Refused {
            retry_after: if is_possible { wait } else { Duration::MAX },
            remaining: self.units(usable.saturating_sub(missing)),
        }
    }

    fn charge(&self, state: FullAt, now: Duration, units: u64) -> FullAt {
        let now = ticks(now);
        let price = self.interval.saturating_mul(units);
        let missing = self.missing(state, now).saturating_add(price);
        let most = self.depth.saturating_add(self.overdraft);
        FullAt(now.saturating_add(missing.min(most)))
    }

    fn give_back(&self, FullAt(full_at): FullAt, _now: Duration, units: u64) -> FullAt {
        FullAt(full_at.saturating_sub(self.interval.saturating_mul(units)))
    }
}

impl State for FullAt {
    const KIND: u8 = 1;
    const BYTES: usize = 8;
    const PER_PAGE: usize = 16;

    fn is_idle(&self, now: Duration) -> bool {
        self.0 <= ticks(now)
    }

    fn used(&self, _now: Duration) -> u64 {
        self.0
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u64::from_le_bytes).map(Self)
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
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(units: u64, per: Duration, burst: u64) -> TokenBucket {
        TokenBucket::new(units, per, burst).unwrap()
    }

    #[test]
    fn admits_a_burst_and_then_the_rate() {
        let bucket = bucket(10, SECOND, 3);
        let now = Duration::from_secs(5);
        let mut state = FullAt::default();
        for left in [2, 1, 0] {
            let Draw::Admitted { next, remaining, .. } = bucket.draw(state, now, 1.into()) else {
                panic!("refused")
            };
            assert_eq!(remaining, left);
            state = next;
        }
        let retry_after = Duration::from_millis(100);
        assert_eq!(bucket.draw(state, now, 1.into()), Draw::Refused { retry_after, remaining: 0 });
        let early = now + retry_after - Duration::from_nanos(1);
        assert!(matches!(bucket.draw(state, early, 1.into()), Draw::Refused { .. }));
        assert!(matches!(bucket.draw(state, now + retry_after, 1.into()), Draw::Admitted { .. }));
    }

    #[test]
    fn low_priority_leaves_the_reserve() {
        let bucket = bucket(10, SECOND, 10);
        assert!(matches!(
            bucket.draw(FullAt(0), SECOND, Amount { cost: 7, reserve: 3, ..Amount::default() }),
            Draw::Admitted { remaining: 0, .. }
        ));
        let refused =
            bucket.draw(FullAt(0), SECOND, Amount { cost: 8, reserve: 3, ..Amount::default() });
        assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 7 });
    }

    #[test]
    fn an_impossible_cost_is_never_admitted() {
        let bucket = bucket(1, SECOND, 5);
        for cost in [6, 1_000_000, u64::MAX] {
            let refused = bucket.draw(FullAt(0), SECOND, cost.into());
            assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 5 });
        }
    }

    #[test]
    fn a_state_ahead_of_an_empty_bucket_is_an_empty_bucket() {
        let bucket = bucket(1, SECOND, 5);
        for state in [u64::MAX, ticks(SECOND * 1000)] {
            let refused = bucket.draw(FullAt(state), SECOND, 1.into());
            assert_eq!(refused, Draw::Refused { retry_after: SECOND, remaining: 0 });
        }
    }

    #[test]
    fn refuses_rates_that_it_cannot_count() {
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        assert!(TokenBucket::new(1, month, 12).is_ok());
        for (units, per, burst) in [
            (0, SECOND, 1),
            (1, Duration::ZERO, 1),
            (1, SECOND, 0),
            (1, month, 13),
            (1, Duration::MAX, u64::MAX),
        ] {
            assert_eq!(
                TokenBucket::new(units, per, burst),
                Err(UnsupportedRate),
                "{units} {per:?}"
            );
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        /// In any time `x`, at most `burst + units * x / per`; checked against all admissions.
        #[test]
        fn never_exceeds_the_rate(
            units in 1u64..=1_000_000,
            per_ms in 50u64..=2_592_000_000,
            burst in 1u64..=1_000,
            arrivals in proptest::collection::vec((0u64..2_000, 1u64..4, 0u64..3), 1..200),
        ) {
            let per = Duration::from_millis(per_ms);
            let Ok(bucket) = TokenBucket::new(units, per, burst) else { return Ok(()) };
            // Gaps around the time of one unit.
            let unit = (nanos(per) / units).max(1);
            let (mut now, mut state) = (SECOND, FullAt(0));
            let mut admitted: Vec<(Duration, u64)> = Vec::new();
            for (gap, cost, reserve) in arrivals {
                now += Duration::from_nanos(unit.saturating_mul(gap) / 1_000);
                if let Draw::Admitted { next, .. } = bucket.draw(state, now, Amount { cost, reserve, ..Amount::default() }) {
                    state = next;
                    admitted.push((now, cost));
                }
            }
            for (first, (start, _)) in admitted.iter().enumerate() {
                let mut total = 0u128;
                for (end, cost) in &admitted[first..] {
                    total += u128::from(*cost);
                    let gained = u128::from(units) * (*end - *start).as_nanos();
                    let limit = u128::from(burst) * per.as_nanos() + gained;
                    proptest::prop_assert!(total * per.as_nanos() <= limit);
                }
            }
        }

        /// `retry_after` is exact: refused one nanosecond earlier, admitted then.
        #[test]
        fn comes_again_at_the_right_time(
            units in 1u64..=100_000, burst in 1u64..=50, drawn in 0u64..=50, cost in 1u64..=50,
        ) {
            let bucket = bucket(units, SECOND, burst);
            let Draw::Admitted { next, .. } = bucket.draw(FullAt(0), SECOND, drawn.min(burst).into()) else {
                return Err(proptest::test_runner::TestCaseError::fail("a full bucket refuses"));
            };
            let Draw::Refused { retry_after, .. } = bucket.draw(next, SECOND, cost.into()) else {
                return Ok(());
            };
            if cost > burst {
                proptest::prop_assert_eq!(retry_after, Duration::MAX);
                return Ok(());
            }
            let then = SECOND + retry_after;
            let is_admitted =
                |now| matches!(bucket.draw(next, now, cost.into()), Draw::Admitted { .. });
            proptest::prop_assert!(is_admitted(then));
            proptest::prop_assert!(!is_admitted(then - Duration::from_nanos(1)));
        }
    }
}
