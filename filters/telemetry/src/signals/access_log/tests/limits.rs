//! How many lines are written.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn ordinary_lines_take_nothing_from_errors() {
    let mut limits = log(r#"{"maxPerSecond": 2}"#).0.limits();
    let mut allowed = |reason, at| limits.allow(reason, Duration::from_millis(at));
    let shares = [0, 0, 0].map(|at| allowed(LogReason::Sampled, at));
    assert_eq!(shares, [true, true, false]);
    assert_eq!([0, 0, 0].map(|at| allowed(LogReason::Always, at)), [true, true, false]);
    assert_eq!([500, 500].map(|at| allowed(LogReason::Sampled, at)), [true, false]);
}

#[test]
fn a_hundred_a_second_unless_told_otherwise() {
    let mut limits = log("{}").0.limits();
    let allowed = (0..500).filter(|_| limits.allow(LogReason::Sampled, Duration::ZERO)).count();
    assert_eq!(allowed, 100);
}
