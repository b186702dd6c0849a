#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

#[test]
fn parses_durations_as_go_does() {
    for (text, nanos) in [
        ("1ns", 1),
        ("250ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("7us", 7_000),
        ("7µs", 7_000),
        ("0s", 0),
        ("1h30m", 5_400_000_000_000),
        ("30m1h", 5_400_000_000_000),
        ("1.0000000000000000000000001s", 1_000_000_000),
        ("0.9ns", 0),
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
    }
}

#[test]
fn refuses_text_that_is_not_a_duration() {
    for text in
        ["", "5", "0", "s", ".s", "-5s", "+5s", "5 s", " 5s", "5d", "5S", "1e3s", "5s5", "५s"]
    {
        assert_eq!(parse_duration(text), Err(InvalidDuration::Syntax), "{text}");
    }
}

#[test]
fn refuses_durations_that_are_too_long() {
    for text in ["99999999999h", "99999999999999999999999999999999999999999s"] {
        assert_eq!(parse_duration(text), Err(InvalidDuration::TooLong), "{text}");
    }
}

#[test]
fn refuses_invalid_values() {
    type Timeout = DurationWithin<100, 60_000>;
    for (value, message) in [
        (json!("10ms"), r#"must be between 100ms and 1m, got "10ms""#),
        (json!("1m1ns"), r#"must be between 100ms and 1m, got "1m1ns""#),
        (json!("99999999999h"), r#"must be a duration of at most 584 years, got "99999999999h""#),
        (json!("soon"), r#"must be a duration such as 250ms or 1h30m, got "soon""#),
        (json!(5), "must be a duration such as 250ms or 1h30m, got 5"),
        (json!(null), "must be a duration such as 250ms or 1h30m, got null"),
        (json!({}), "must be a duration such as 250ms or 1h30m, got an object"),
    ] {
        let error = serde_json::from_value::<Timeout>(value).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn displays_the_range_as_durations() {
    let error = serde_json::from_value::<DurationWithin<0, 5_401_000>>(json!("2h")).unwrap_err();
    assert_eq!(error.to_string(), r#"must be between 0s and 1h30m1s, got "2h""#);
}

#[test]
fn includes_both_ends_of_the_range() {
    for (text, millis) in [("100ms", 100), ("60s", 60_000)] {
        let timeout: DurationWithin<100, 60_000> = serde_json::from_value(json!(text)).unwrap();
        assert_eq!(timeout.get(), Duration::from_millis(millis));
        assert_eq!(timeout.as_millis(), u128::from(millis));
    }
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = parse_duration(&text);
    }

    #[test]
    fn parses_displayed_durations(millis in 0_u64..100_000_000_000) {
        let duration = Duration::from_millis(millis);
        proptest::prop_assert_eq!(parse_duration(&Millis(millis).to_string()), Ok(duration));
    }
}
