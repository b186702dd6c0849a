#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::parse_config;

use super::*;

fn read(entry: &str) -> Result<TracingConfig, String> {
    parse_config(entry.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn percentages_have_steps_of_a_hundredth() {
    for (text, millionths) in [
        ("0", 0),
        ("0.01", 100),
        ("0.29", 2_900),
        ("10", 100_000),
        ("33.33", 333_300),
        ("100.0", 1_000_000),
    ] {
        let entry = read(&format!(r#"{{"randomSamplingPercentage": {text}}}"#)).unwrap();
        let found = entry.random_sampling_percentage.map(SamplingPercentage::millionths);
        assert_eq!(found, Some(millionths), "{text}");
    }
    for (text, hint) in [
        ("-1", ""),
        ("100.01", ""),
        ("0.001", ""),
        ("33.333", ""),
        (r#""10""#, ": leave out the quotes"),
        ("true", ""),
    ] {
        let error = read(&format!(r#"{{"randomSamplingPercentage": {text}}}"#)).unwrap_err();
        let rule = "randomSamplingPercentage: must be from 0 to 100 in steps of 0.01";
        assert_eq!(error, format!("{rule}, got {text}{hint}"));
    }
}

#[test]
fn a_rate_is_rounded_to_a_step() {
    for (text, millionths) in [
        ("0", 0),
        ("0.1", 100_000),
        ("1", 1_000_000),
        ("0.00004", 0),
        ("0.00005", 100),
        ("0.12345", 123_500),
    ] {
        let rate = parse_config::<SampleRate>(text.as_bytes()).unwrap();
        assert_eq!(rate.percentage().millionths(), millionths, "{text}");
    }
    let error = parse_config::<SampleRate>(b"1.1").unwrap_err().to_string();
    assert!(error.ends_with("must be a number from 0 to 1, got 1.1"), "{error}");
}

#[test]
fn invalid_entries_are_rejected() {
    for (entry, message) in [
        (
            r#"{"useRequestIdForTraceSampling": true}"#,
            "useRequestIdForTraceSampling: must be false: request ids are not used for \
             sampling, got true",
        ),
        (
            r#"{"customTags": {"a": {"formatter": {"value": "%REQ(a)%"}}}}"#,
            "customTags.a.formatter: must not be given: use expression, where %REQ(x-user)% is \
             request.headers['x-user']",
        ),
        (
            r#"{"customTags": {"a": {"header": {"name": ":path"}}}}"#,
            r#"customTags.a.header.name: must be a header name, not a pseudo-header, got ":path""#,
        ),
        (
            r#"{"maxSpansPerSecond": 0}"#,
            "maxSpansPerSecond: must be a whole number from 1 to 100000, got 0",
        ),
    ] {
        assert_eq!(read(entry).unwrap_err(), message);
    }
    for (entry, field) in [
        (r#"{"remoteContext": "IGNORE"}"#, "remoteContext: "),
        (r#"{"match": {"mode": "X"}}"#, "match.mode: "),
    ] {
        let error = read(entry).unwrap_err();
        assert!(error.starts_with(field), "{error}");
    }
}
