#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const CAP: Duration = Duration::from_secs(30);

fn headers(name: &str, value: &str) -> Headers {
    Headers::from_iter([(name, value)])
}

#[test]
fn delay_is_in_milliseconds_up_to_the_cap() {
    for (value, delay) in [
        ("250", Some(250)),
        ("0", Some(0)),
        ("99999999", Some(30_000)),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("5s", None),
        ("99999999999999999999", None),
    ] {
        let requested = super::delay(&headers(DELAY, value), CAP);
        assert_eq!(requested, delay.map(Duration::from_millis), "{value}");
    }
    assert_eq!(super::delay(&Headers::default(), CAP), None);
    assert_eq!(super::delay(&Headers::from_iter([(DELAY, b"\xff\xfe".to_vec())]), CAP), None);
}

#[test]
fn uses_the_first_value() {
    let twice = Headers::from_iter([(DELAY, "10"), (DELAY, "20")]);
    assert_eq!(super::delay(&twice, CAP), Some(Duration::from_millis(10)));
}

#[test]
fn http_status_takes_precedence() {
    let both = Headers::from_iter([(ABORT, "503"), (ABORT_GRPC, "4")]);
    assert_eq!(abort(&both), Some(AbortKind::Http(503)));
    for (name, value, kind) in [
        (ABORT, "200", Some(AbortKind::Http(200))),
        (ABORT, "599", Some(AbortKind::Http(599))),
        (ABORT, "600", None),
        (ABORT, "199", None),
        (ABORT_GRPC, "16", Some(AbortKind::Grpc(GrpcStatus::Unauthenticated))),
        (ABORT_GRPC, "0", Some(AbortKind::Grpc(GrpcStatus::Ok))),
        (ABORT_GRPC, "17", None),
        (ABORT_GRPC, "UNAVAILABLE", None),
    ] {
        assert_eq!(abort(&headers(name, value)), kind, "{name}: {value}");
    }
    let unreadable = Headers::from_iter([(ABORT, "x"), (ABORT_GRPC, "4")]);
    assert_eq!(abort(&unreadable), Some(AbortKind::Grpc(GrpcStatus::DeadlineExceeded)));
}

#[test]
fn rate_is_above_zero() {
    for (value, requested) in [("64", Some(64)), ("0", None), ("-5", None), ("x", None)] {
        assert_eq!(rate(&headers(RATE, value)), requested, "{value}");
    }
}

#[test]
fn percentages_can_only_be_lowered() {
    let configured = Percentage::from_percent(10.0).unwrap();
    for (value, millionths) in [
        ("5", 50_000),
        ("0.5", 5_000),
        ("0", 0),
        ("10", 100_000),
        ("50", 100_000),
        ("100", 100_000),
        ("1e9", 100_000),
        ("NaN", 100_000),
        ("inf", 100_000),
        ("-1", 100_000),
        ("x", 100_000),
        ("", 100_000),
    ] {
        for (name, share) in [
            (DELAY_SHARE, delay_share as fn(&Headers, Percentage) -> Percentage),
            (ABORT_SHARE, abort_share),
            (RATE_SHARE, rate_share),
        ] {
            let share = share(&headers(name, value), configured);
            assert_eq!(share.parts_per_million(), millionths, "{name}: {value}");
        }
    }
}
