//! Rate limits.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn sampled_streams_do_not_displace_errors() {
    let mut limits = log(r#"{"maxPerSecond": 2}"#).0.limits();
    let mut allowed = |reason, at| limits.allow(reason, Duration::from_millis(at));
    let sampled = [0, 0, 0].map(|at| allowed(LogReason::Sampled, at));
    assert_eq!(sampled, [true, true, false]);
    assert_eq!([0, 0, 0].map(|at| allowed(LogReason::Always, at)), [true, true, false]);
    assert_eq!([500, 500].map(|at| allowed(LogReason::Sampled, at)), [true, false]);
}

#[test]
fn the_default_is_100_per_second() {
    let mut limits = log("{}").0.limits();
    let allowed = (0..500).filter(|_| limits.allow(LogReason::Sampled, Duration::ZERO)).count();
    assert_eq!(allowed, 100);
}
