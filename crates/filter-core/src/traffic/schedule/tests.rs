#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::parse_config;

fn schedule(document: &str) -> Schedule {
    parse_config(document.as_bytes()).unwrap()
}

fn at(text: &str) -> SystemTime {
    text.parse::<Timestamp>().unwrap().get()
}

#[track_caller]
fn check(document: &str, cases: &[(&str, bool)]) {
    let schedule = schedule(document);
    for (instant, active) in cases {
        assert_eq!(schedule.is_active(at(instant)), *active, "{document} at {instant}");
    }
}

#[test]
fn is_active_from_start_to_end() {
    check(
        r#"{"startsAt": "2026-12-01T09:00:00Z", "expiresAt": "2026-12-01T19:00:00+01:00"}"#,
        &[
            ("2026-12-01T08:59:59.999Z", false),
            ("2026-12-01T09:00:00Z", true),
            ("2026-12-01T17:59:59.999Z", true),
            ("2026-12-01T18:00:00Z", false),
            ("2026-12-02T12:00:00Z", false),
        ],
    );
}

#[test]
fn an_empty_schedule_is_always_active() {
    check("{}", &[("1970-01-01T00:00:00Z", true), ("2100-01-01T00:00:00Z", true)]);
    assert!(schedule("{}").is_always() && schedule(r#"{"utcOffset": "+02:00"}"#).is_always());
    for bound in [
        r#"{"startsAt": "2026-12-01T09:00:00Z"}"#,
        r#"{"expiresAt": "2026-12-01T09:00:00Z"}"#,
        r#"{"windows": [{"from": "09:00", "to": "17:30"}]}"#,
    ] {
        assert!(!schedule(bound).is_always(), "{bound}");
    }
}

#[test]
fn a_window_is_active_on_its_days() {
    // 2026-11-21 is a Saturday.
    check(
        r#"{"windows": [{"days": ["MON", "SAT"], "from": "09:00", "to": "17:30"}]}"#,
        &[
            ("2026-11-21T08:59:59Z", false),
            ("2026-11-21T09:00:00Z", true),
            ("2026-11-21T17:29:59Z", true),
            ("2026-11-21T17:30:00Z", false),
            ("2026-11-22T12:00:00Z", false),
            ("2026-11-23T12:00:00Z", true),
        ],
    );
}

#[test]
fn a_window_across_midnight_belongs_to_the_day_on_which_it_begins() {
    check(
        r#"{"windows": [{"days": ["SUN"], "from": "22:00", "to": "02:00"}]}"#,
        &[
            ("2026-11-22T01:00:00Z", false),
            ("2026-11-22T22:00:00Z", true),
            ("2026-11-23T01:59:00Z", true),
            ("2026-11-23T02:00:00Z", false),
            ("2026-11-23T22:00:00Z", false),
        ],
    );
}

#[test]
fn windows_are_in_local_time() {
    check(
        r#"{"utcOffset": "+02:00", "windows": [
            {"from": "00:30", "to": "01:00"}, {"days": ["SUN"], "from": "05:00", "to": "06:00"}]}"#,
        &[
            ("2026-11-21T22:30:00Z", true),
            ("2026-11-21T23:00:00Z", false),
            ("2026-11-22T03:30:00Z", true),
            ("2026-11-23T03:30:00Z", false),
        ],
    );
    check(
        r#"{"utcOffset": "-09:30", "windows": [{"days": ["FRI"], "from": "23:00", "to": "23:59"}]}"#,
        &[("2026-11-21T08:30:00Z", true), ("2026-11-21T09:29:00Z", false)],
    );
}

#[test]
fn shares_grow_linearly_and_never_shrink() {
    let schedule = schedule(r#"{"startsAt": "2026-12-01T00:00:00Z", "rampUp": "100s"}"#);
    let full = Percentage::from_percent(10.0).unwrap();
    let start = at("2026-12-01T00:00:00Z");
    let mut before = 0;
    for second in 0..=110_u32 {
        let now = start + Duration::from_secs(second.into());
        let share = schedule.ramped(full, now).parts_per_million();
        assert_eq!(share, second.min(100) * 1_000, "after {second} s");
        assert!(share >= before);
        before = share;
    }
    assert_eq!(schedule.ramped(full, start - Duration::from_secs(5)), Percentage::NONE);
}

#[test]
fn refuses_invalid_schedules() {
    let window = |window: &str| format!(r#"{{"windows": [{window}]}}"#);
    let many =
        format!(r#"{{"windows": [{}]}}"#, [r#"{"from":"01:00","to":"02:00"}"#; 17].join(","));
    let instant = "must be an instant such as 2026-12-01T18:00:00Z";
    let hour = "must be a time of day from 00:00 to 23:59";
    for (document, message) in [
        (r#"{"startsAt": "2026-12-01"}"#.into(), format!(r#"startsAt: {instant}, got "2026-12-01""#)),
        (
            r#"{"expiresAt": "2026-12-01T18:00:00"}"#.into(),
            format!(r#"expiresAt: {instant}, got "2026-12-01T18:00:00""#),
        ),
        (r#"{"expiresAt": 5}"#.into(), format!("expiresAt: {instant}, got 5")),
        (
            r#"{"expiresAt": "1969-01-01T00:00:00Z"}"#.into(),
            format!(r#"expiresAt: {instant}, got "1969-01-01T00:00:00Z""#),
        ),
        (
            r#"{"startsAt": "2026-12-01T18:00:00Z", "expiresAt": "2026-12-01T18:00:00Z"}"#.into(),
            "the configuration: must have expiresAt after startsAt".into(),
        ),
        (r#"{"rampUp": "1m"}"#.into(), "the configuration: must have startsAt if rampUp is given".into()),
        (
            r#"{"startsAt": "2026-12-01T18:00:00Z", "rampUp": "10ms"}"#.into(),
            r#"rampUp: must be between 1s and 720h, got "10ms""#.into(),
        ),
        (many, "the configuration: must have at most 16 windows".into()),
        (
            window(r#"{"from": "09:00", "to": "09:00"}"#),
            "windows[0]: must have from and to that differ".into(),
        ),
        (
            window(r#"{"from": "9:00", "to": "24:00"}"#),
            format!(r#"windows[0].from: {hour}, got "9:00"; windows[0].to: {hour}, got "24:00""#),
        ),
        (
            window(r#"{"days": [], "from": "09:00", "to": "10:00"}"#),
            "windows[0]: must name at least one day, or omit days".into(),
        ),
        (
            r#"{"utcOffset": "2"}"#.into(),
            r#"utcOffset: must be an offset such as +02:00, at most 14:00, got "2""#.into(),
        ),
        (
            r#"{"utcOffset": "+14:01"}"#.into(),
            r#"utcOffset: must be an offset such as +02:00, at most 14:00, got "+14:01""#.into(),
        ),
        (
            r#"{"cron": "* * * * *"}"#.into(),
            "cron: unknown field `cron`, expected one of `startsAt`, `expiresAt`, `windows`, `utcOffset`, `rampUp`".into(),
        ),
    ] {
        let error = parse_config::<Schedule>(document.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message, "{document}");
    }
}
