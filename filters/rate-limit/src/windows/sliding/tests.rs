#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const PER: Duration = Duration::from_secs(8);

fn draw(
    window: &SlidingWindow,
    counts: SlidingCounts,
    now: Duration,
    cost: u64,
) -> Draw<SlidingCounts> {
    window.draw(window.adopt(counts, now).unwrap_or(counts), now, cost.into())
}

fn charge(window: &SlidingWindow, now: Duration, units: u64) -> SlidingCounts {
    window.charge(window.adopt(SlidingCounts::default(), now).unwrap(), now, units)
}

#[test]
fn gives_back_to_the_slice_of_the_draw() {
    let window = SlidingWindow::new(9, PER);
    let (old, new) = (Duration::from_millis(16_999), Duration::from_secs(17));
    let drawn = charge(&window, old, 2);
    let later = window.charge(drawn, new, 3);
    let given_back = window.give_back(later, old, 2);
    assert_eq!(given_back.units[..2], [3, 0]);
    assert_eq!(window.give_back(later, old - PER * 2, 2), later, "it is not counted any more");
}

#[test]
fn a_unit_is_free_again_after_the_window() {
    let window = SlidingWindow::new(1, PER);
    let start = Duration::from_millis(16_500);
    let drawn = draw(&window, SlidingCounts::default(), start, 1);
    let Draw::Admitted { next, remaining: 0, .. } = drawn else { panic!("refused") };
    // Slice 16 is counted until slice 25 begins.
    let retry_after = Duration::from_millis(8_500);
    assert_eq!(draw(&window, next, start, 1), Draw::Refused { retry_after, remaining: 0 });
    let then = start + retry_after;
    let early = then - Duration::from_nanos(1);
    assert!(matches!(draw(&window, next, early, 1), Draw::Refused { .. }));
    assert!(matches!(draw(&window, next, then, 1), Draw::Admitted { .. }));
}

#[test]
fn a_clock_that_goes_back_frees_nothing() {
    let window = SlidingWindow::new(1, PER);
    let drawn = draw(&window, SlidingCounts::default(), PER * 10, 1);
    let Draw::Admitted { next, .. } = drawn else { panic!("refused") };
    for now in [Duration::ZERO, PER, PER * 10] {
        assert!(matches!(draw(&window, next, now, 1), Draw::Refused { .. }), "{now:?}");
    }
}

#[test]
fn an_impossible_cost_is_never_admitted() {
    let window = SlidingWindow::new(5, PER);
    for cost in [6, u64::MAX] {
        let refused = draw(&window, SlidingCounts::default(), PER, cost);
        assert_eq!(refused, Draw::Refused { retry_after: Duration::MAX, remaining: 5 });
    }
}

#[test]
fn a_window_of_another_length_keeps_the_units() {
    let (before, after) = (SlidingWindow::new(10, PER), SlidingWindow::new(10, PER * 100));
    for (old, new) in [(before, after), (after, before)] {
        let now = PER * 1_000;
        let drawn = draw(&old, SlidingCounts::default(), now, 10);
        let Draw::Admitted { next, .. } = drawn else { panic!("refused") };
        let later = now + PER / 2;
        assert!(matches!(draw(&new, next, later, 1), Draw::Refused { remaining: 0, .. }));
        let idle = now + PER * 200;
        assert!(matches!(draw(&new, next, idle, 1), Draw::Admitted { .. }));
    }
}

#[test]
fn a_charge_can_exceed_the_limit_and_can_be_given_back() {
    let window = SlidingWindow::new(5, PER);
    let charged = charge(&window, PER, 8);
    assert!(matches!(draw(&window, charged, PER, 1), Draw::Refused { remaining: 0, .. }));
    let left = window.give_back(charged, PER, 4);
    assert!(matches!(draw(&window, left, PER, 1), Draw::Admitted { remaining: 0, .. }));
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    /// Checked against all admissions: never too many, and refused only if there were too many
    /// in the last window and an eighth.
    #[test]
    fn counts_the_last_window(
        limit in 1u32..=20,
        per_ms in 1_000u64..=100_000,
        arrivals in proptest::collection::vec((0u64..400, 1u64..3), 1..300),
    ) {
        let per = Duration::from_millis(per_ms);
        let window = SlidingWindow::new(limit, per);
        let (mut now, mut counts) = (Duration::from_secs(1), SlidingCounts::default());
        let mut admitted: Vec<(Duration, u64)> = Vec::new();
        for (gap, cost) in arrivals {
            now += per * u32::try_from(gap).unwrap() / 1_000;
            let since = |age: Duration| {
                let is_recent = |(time, _): &&(Duration, u64)| *time + age > now;
                admitted.iter().filter(is_recent).map(|(_, cost)| cost).sum::<u64>()
            };
            match draw(&window, counts, now, cost) {
                Draw::Admitted { next, .. } => {
                    proptest::prop_assert!(since(per) + cost <= u64::from(limit));
                    counts = next;
                    admitted.push((now, cost));
                }
                Draw::Refused { retry_after, .. } => {
                    let late = per * 9 / 8 + Duration::from_nanos(16);
                    proptest::prop_assert!(since(late) + cost > u64::from(limit));
                    if cost <= u64::from(limit) {
                        let then = now + retry_after;
                        let later = draw(&window, counts, then, cost);
                        let is_admitted = matches!(later, Draw::Admitted { .. });
                        proptest::prop_assert!(is_admitted);
                    }
                }
            }
        }
    }
}
