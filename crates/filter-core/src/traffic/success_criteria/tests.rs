#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::parse_config;

const MINUTE: Duration = Duration::from_secs(60);
const START: Duration = Duration::from_secs(1_800_000_000);

fn guard(document: &str) -> Guard {
    parse_config::<SuccessCriteria>(document.as_bytes()).unwrap().guard(MINUTE)
}

#[test]
fn trips_once_if_the_error_rate_is_exceeded() {
    let guard = guard(r#"{"maxErrorRate": {"value": 10}, "minRequestCount": 10}"#);
    let mut window = ErrorWindow::default();
    for number in 0..10 {
        assert_eq!(guard.record(&mut window, START, number == 0), None, "{number}");
    }
    let tripped = guard.record(&mut window, START, true);
    assert_eq!(tripped, Some(ErrorCounts { total: 11, errors: 2 }));
    assert_eq!(guard.record(&mut window, START, true), None, "only the first time");
    assert!(window.is_tripped());
}

#[test]
fn waits_for_the_minimum_number_of_responses() {
    let guard = guard(r#"{"maxErrorRate": {"value": 1}}"#);
    let mut window = ErrorWindow::default();
    let tripped = (0..100).filter(|_| guard.record(&mut window, START, true).is_some()).count();
    assert_eq!((tripped, window.is_tripped()), (1, true));
    let mut fewer = ErrorWindow::default();
    assert!((0..99).all(|_| guard.record(&mut fewer, START, true).is_none()));
}

#[test]
fn old_responses_leave_the_window() {
    let guard = guard(r#"{"maxErrorRate": {"value": 50}, "window": "10s"}"#);
    let mut window = ErrorWindow::default();
    for _ in 0..50 {
        guard.record(&mut window, START, true);
    }
    let after = |seconds| guard.counts(&window, START + Duration::from_secs(seconds)).errors;
    assert_eq!((after(0), after(9), after(10), after(1_000)), (50, 50, 0, 0));
}

#[test]
fn zero_allows_no_error() {
    let guard = guard(r#"{"maxErrorRate": {"value": 0}, "minRequestCount": 2}"#);
    let mut window = ErrorWindow::default();
    assert_eq!(guard.record(&mut window, START, false), None);
    assert_eq!(guard.record(&mut window, START, false), None);
    assert!(guard.record(&mut window, START, true).is_some());
}

#[test]
fn encodes_and_decodes_a_window() {
    let guard = guard(r#"{"maxErrorRate": {"value": 0}, "minRequestCount": 3}"#);
    let mut bytes = Vec::new();
    for second in [0, 7, 14] {
        let mut window = ErrorWindow::from_bytes(&bytes);
        guard.record(&mut window, START + Duration::from_secs(second), true);
        bytes = window.to_bytes();
        assert_eq!(bytes.len(), 161);
        assert_eq!(ErrorWindow::from_bytes(&bytes), window);
    }
    assert!(ErrorWindow::from_bytes(&bytes).is_tripped());
    for invalid in [&[][..], &[1], &[1; 160], &[1; 162]] {
        assert_eq!(ErrorWindow::from_bytes(invalid), ErrorWindow::default());
    }
}

#[test]
fn tolerates_a_clock_that_jumps() {
    let guard = guard(r#"{"maxErrorRate": {"value": 0}, "minRequestCount": 2}"#);
    let mut window = ErrorWindow::default();
    guard.record(&mut window, START, true);
    assert_eq!(guard.record(&mut window, START - 10 * MINUTE, true), None);
    assert_eq!(guard.record(&mut window, Duration::MAX, true), None);
    assert_eq!(guard.record(&mut window, Duration::ZERO, true), None);
}

#[test]
fn refuses_invalid_criteria() {
    for (document, message) in [
        ("{}", "the configuration: missing field `maxErrorRate`"),
        (
            r#"{"maxErrorRate": 0.01}"#,
            "maxErrorRate: must be an object such as {value: 1} for 1 %, got 0.01",
        ),
        (
            r#"{"maxErrorRate": {"value": 1}, "minRequestCount": 0}"#,
            "minRequestCount: must be a whole number from 1 to 1000000, got 0",
        ),
        (
            r#"{"maxErrorRate": {"value": 1}, "window": "1s"}"#,
            r#"window: must be between 5s and 1h, got "1s""#,
        ),
    ] {
        let error = parse_config::<SuccessCriteria>(document.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}
