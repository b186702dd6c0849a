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
        bucket.draw(FullAt::default(), SECOND, Amount { cost: 7, reserve: 3, ..Amount::default() }),
        Draw::Admitted { remaining: 0, .. }
    ));
    let refused =
        bucket.draw(FullAt::default(), SECOND, Amount { cost: 8, reserve: 3, ..Amount::default() });
    assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 7 });
}

#[test]
fn an_impossible_cost_is_never_admitted() {
    let bucket = bucket(1, SECOND, 5);
    for cost in [6, 1_000_000, u64::MAX] {
        let refused = bucket.draw(FullAt::default(), SECOND, cost.into());
        assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 5 });
    }
}

#[test]
fn a_small_quota_does_not_forget_what_a_large_one_used() {
    let large = bucket(1_000, SECOND, 100);
    let small = bucket(10, SECOND, 100).for_counts_of(&large);
    let drained = small.charge(FullAt::default(), SECOND, 100);
    assert_eq!((large.adopt(drained, SECOND), small.adopt(drained, SECOND)), (None, None));
    // The small quota is full after 10 s, the large one would be after 0.1 s.
    let retry_after = SECOND * 10 - Duration::from_millis(99);
    let refused = large.draw(drained, SECOND, 1.into());
    assert_eq!(refused, Draw::Refused { retry_after, remaining: 0 });
    assert_eq!(large.charge(drained, SECOND, 1), drained);
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
        assert_eq!(TokenBucket::new(units, per, burst), Err(UnsupportedRate), "{units} {per:?}");
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
        let (mut now, mut state) = (SECOND, FullAt::default());
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
        let Draw::Admitted { next, .. } = bucket.draw(FullAt::default(), SECOND, drawn.min(burst).into()) else {
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

    /// Workers that spend units late, within their lease, still admit at most
    /// `burst + units * x / per` in any time `x`.
    #[test]
    fn leases_never_exceed_the_rate(
        units in 1u64..=20_000,
        seconds in 1u64..=5,
        arrivals in proptest::collection::vec((0u64..40, 0usize..3, 1u64..4, 0u64..80), 1..300),
    ) {
        let per = SECOND * u32::try_from(seconds).unwrap();
        let bucket = bucket(units, per, units);
        let (mut now, mut state) = (SECOND, FullAt::default());
        let mut leases = [(Duration::ZERO, 0); 3];
        let mut admitted: Vec<(Duration, u64)> = Vec::new();
        for (millis, worker, cost, lease) in arrivals {
            now += Duration::from_millis(millis);
            let (until, left) = &mut leases[worker];
            if now < *until && *left >= cost {
                *left -= cost;
                admitted.push((now, cost));
                continue;
            }
            let amount = Amount { cost, lease, ..Amount::default() };
            if let Draw::Admitted { next, leased, .. } = bucket.draw(state, now, amount) {
                state = next;
                admitted.push((now, cost));
                if leased > 0 {
                    (*until, *left) = (now + LEASE, leased);
                }
            }
        }
        for (first, (start, _)) in admitted.iter().enumerate() {
            let mut total = 0u128;
            for (end, cost) in &admitted[first..] {
                total += u128::from(*cost);
                let limit = u128::from(units) * (per + (*end - *start)).as_nanos();
                proptest::prop_assert!(total * per.as_nanos() <= limit);
            }
        }
    }

    /// Numbers that change back and forth never add a unit.
    #[test]
    fn a_state_with_other_numbers_never_gains_units(
        (units, burst) in (1u64..=1_000, 1u64..=1_000),
        (other_units, other_burst) in (1u64..=1_000, 1u64..=1_000),
        drawn in 1u64..=1_000,
    ) {
        let (one, other) = (bucket(units, SECOND, burst), bucket(other_units, SECOND, other_burst));
        let state = one.charge(FullAt::default(), SECOND, drawn.min(burst));
        let left = |bucket: &TokenBucket, state| match bucket.draw(state, SECOND, 0.into()) {
            Draw::Admitted { remaining, .. } | Draw::Refused { remaining, .. } => remaining,
        };
        let before = left(&one, state);
        let adopted = other.adopt(state, SECOND).unwrap_or(state);
        proptest::prop_assert!(left(&other, adopted) <= before.min(other_burst));
        let back = one.adopt(adopted, SECOND).unwrap_or(adopted);
        // A bucket that is full has no memory of its numbers.
        let is_full = adopted.is_idle(SECOND);
        proptest::prop_assert!(is_full || left(&one, back) <= before);
    }
}

#[test]
fn another_burst_or_rate_keeps_the_units_that_are_left() {
    let drained = bucket(10, SECOND, 1_000).charge(FullAt::default(), SECOND, 1_000);
    let half = bucket(10, SECOND, 10).charge(FullAt::default(), SECOND, 5);
    for (state, new, left, next_unit_ms) in [
        (drained, bucket(10, SECOND, 10), 0, 100),
        (drained, bucket(1_000, SECOND, 1_000), 0, 1),
        (half, bucket(10, SECOND, 1_000), 5, 100),
        (half, bucket(10, SECOND, 3), 3, 100),
        (half, bucket(1, SECOND, 10), 5, 1_000),
    ] {
        let state = new.adopt(state, SECOND).unwrap();
        assert_eq!(new.adopt(state, SECOND), None);
        let Draw::Refused { retry_after, remaining } = new.draw(state, SECOND, (left + 1).into())
        else {
            panic!("{new:?} admits")
        };
        if left < 3 || new.kept.burst > 3 {
            assert_eq!(retry_after, Duration::from_millis(next_unit_ms), "{new:?}");
        }
        assert_eq!(remaining, left, "{new:?}");
    }
}

#[test]
fn a_debt_stays_one() {
    let overdrawn = |units| bucket(units, SECOND, units).with_overdraft(SECOND);
    let state = overdrawn(10).charge(FullAt::default(), SECOND, 15);
    let state = overdrawn(100).adopt(state, SECOND).unwrap();
    let refused = overdrawn(100).draw(state, SECOND, 1.into());
    assert_eq!(refused, Draw::Refused { retry_after: Duration::from_millis(60), remaining: 0 });
}

#[test]
fn a_lease_takes_a_64th_of_the_units_left() {
    let second = bucket(1_000, SECOND, 1_000);
    let leased = |bucket: &TokenBucket, state, lease| {
        let amount = Amount { cost: 1, lease, ..Amount::default() };
        match bucket.draw(state, SECOND, amount) {
            Draw::Admitted { leased, remaining, .. } => (leased, remaining),
            Draw::Refused { .. } => panic!("refused"),
        }
    };
    // The bucket counts as full when the lease ends, so 50 units are not gained meanwhile.
    assert_eq!(leased(&second, FullAt::default(), 64), (14, 935));
    assert_eq!(leased(&second, FullAt::default(), 3), (3, 946));
    assert_eq!(leased(&second, FullAt::default(), 0), (0, 999));
    let used = second.charge(FullAt::default(), SECOND, 930);
    assert_eq!(leased(&second, used, 64), (1, 68));
    let used = second.charge(FullAt::default(), SECOND, 936);
    assert_eq!(leased(&second, used, 64), (0, 63));
    // It would be a large part of such a bucket.
    assert_eq!(leased(&bucket(1_000, SECOND, 700), FullAt::default(), 64), (0, 699));
}
