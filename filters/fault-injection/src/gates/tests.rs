#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn at(millis: u64) -> Duration {
    Duration::from_millis(1_700_000_000_000_u64.saturating_add(millis))
}

fn taken(budget: Budget, shared: &mut Vec<u8>, now: Duration) -> bool {
    match budget.take(shared, now) {
        Taken::Fault(left) => {
            *shared = left;
            true
        }
        Taken::Nothing => false,
    }
}

#[test]
fn a_full_bucket_holds_one_second() {
    let (budget, mut shared) = (Budget::new(10), Vec::new());
    let burst = (0..100).filter(|_| taken(budget, &mut shared, at(0))).count();
    assert_eq!(burst, 10);
    assert!(!taken(budget, &mut shared, at(99)));
    assert!(taken(budget, &mut shared, at(100)));
    assert!(!taken(budget, &mut shared, at(100)));
}

#[test]
fn it_passes_its_rate_over_time() {
    for per_second in [1, 7, 1_000, 1_000_000] {
        let (budget, mut shared) = (Budget::new(per_second), Vec::new());
        let mut count = 0;
        for milli in 0..3_000 {
            while taken(budget, &mut shared, at(milli)) {
                count += 1;
                if per_second > 1_000 && count % 2_000 == 0 {
                    break;
                }
            }
        }
        let most = per_second * 4;
        assert!(
            count <= most && (per_second > 1_000 || count >= per_second * 3 + per_second - 1),
            "{per_second}: {count}"
        );
    }
}

#[test]
fn a_clock_that_jumps_gives_no_more_than_a_full_bucket() {
    let (budget, mut shared) = (Budget::new(2), Vec::new());
    assert!(taken(budget, &mut shared, at(10_000)) && taken(budget, &mut shared, at(10_000)));
    assert!(!taken(budget, &mut shared, at(0)), "back");
    assert!(!taken(budget, &mut shared, Duration::ZERO));
    let ahead = (0..10).filter(|_| taken(budget, &mut shared, Duration::MAX)).count();
    assert_eq!(ahead, 2);
}

#[test]
fn other_bytes_are_a_full_bucket() {
    for shared in [&[][..], &[1, 2, 3], &[0; 17]] {
        assert!(matches!(Budget::new(1).take(shared, at(0)), Taken::Fault(_)));
    }
}
