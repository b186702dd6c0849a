#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn begins_anew_at_each_boundary() {
    let window = FixedWindow::new(2, DAY, HOUR * 5);
    let mut now = DAY * 20_000 + HOUR * 4;
    let mut count = FixedCount::default();
    for (later, is_admitted) in
        [(0, true), (0, true), (0, false), (1, true), (23, true), (0, false), (1, true)]
    {
        now += HOUR * later;
        match window.draw(count, now, 1.into()) {
            Draw::Admitted { next, .. } => {
                assert!(is_admitted, "{now:?}");
                count = next;
            }
            Draw::Refused { retry_after, .. } => {
                assert!(!is_admitted, "{now:?}");
                assert_eq!(retry_after, HOUR, "{now:?}");
            }
        }
    }
}

#[test]
fn an_impossible_cost_is_never_admitted() {
    let window = FixedWindow::new(5, DAY, Duration::ZERO);
    for cost in [6, u64::MAX] {
        let refused = window.draw(FixedCount::default(), DAY, cost.into());
        assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 5 });
    }
}

#[test]
fn an_older_reading_of_the_clock_keeps_the_later_window() {
    let window = FixedWindow::new(2, HOUR, Duration::ZERO);
    let (old, new) = (HOUR * 5 - Duration::from_millis(1), HOUR * 5);
    let count = window.charge(FixedCount::default(), new, 1);
    let Draw::Admitted { next, remaining, .. } = window.draw(count, old, 1.into()) else {
        panic!("refused")
    };
    assert_eq!((remaining, next.start), (0, count.start));
    assert!(matches!(window.draw(next, new, 1.into()), Draw::Refused { .. }));
    assert_eq!(window.give_back(next, old, 2), next, "they were drawn from the window before");
    assert!(!next.is_idle(old), "other keys of the page stay");
}

#[test]
fn the_window_follows_a_clock_that_jumps() {
    let window = FixedWindow::new(1, HOUR, Duration::ZERO);
    let count = window.charge(FixedCount::default(), HOUR * 5, 1);
    for now in [HOUR * 3, HOUR * 4, HOUR * 5 - Duration::from_secs(1), HOUR * 6, HOUR * 50] {
        assert!(matches!(window.draw(count, now, 1.into()), Draw::Admitted { .. }), "{now:?}");
    }
}

#[test]
fn a_longer_window_keeps_the_units() {
    let now = DAY * 20_000 + HOUR * 4;
    let hour = FixedWindow::new(10, HOUR, Duration::ZERO);
    let day = FixedWindow::new(10, DAY, Duration::ZERO);
    let Draw::Admitted { next, .. } = hour.draw(FixedCount::default(), now, 10.into()) else {
        panic!("refused")
    };
    assert!(matches!(day.draw(next, now + HOUR, 1.into()), Draw::Refused { .. }));
    assert!(matches!(day.draw(next, now + DAY, 1.into()), Draw::Admitted { .. }));
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn never_exceeds_the_limit_in_a_window(
        limit in 1u32..=20,
        per_s in 1u64..=100_000,
        offset_s in 0u64..=200_000,
        arrivals in proptest::collection::vec((0u64..400, 1u64..3), 1..300),
    ) {
        let (per, offset) = (Duration::from_secs(per_s), Duration::from_secs(offset_s));
        let window = FixedWindow::new(limit, per, offset);
        let mut now = DAY * 20_000;
        let mut count = FixedCount::default();
        let mut by_window = std::collections::HashMap::<u64, u64>::new();
        for (gap, cost) in arrivals {
            now += per * u32::try_from(gap).unwrap() / 1_000;
            let number = nanos(now - Duration::from_secs(offset_s % per_s)) / nanos(per);
            let used = by_window.entry(number).or_default();
            let drawn = window.draw(count, now, cost.into());
            let is_admitted = matches!(drawn, Draw::Admitted { .. });
            proptest::prop_assert_eq!(is_admitted, *used + cost <= u64::from(limit));
            if let Draw::Admitted { next, .. } = drawn {
                count = next;
                *used += cost;
            }
        }
    }
}
