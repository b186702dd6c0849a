#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;

/// RetryInfo of two seconds in a `google.rpc.Status`.
fn details() -> String {
    let any = [&[10, 40][..], b"type.googleapis.com/google.rpc.RetryInfo", &[18, 4, 10, 2, 8, 2]];
    let any = any.concat();
    let length = u8::try_from(any.len()).unwrap();
    BASE64_STANDARD.encode([&[26, length][..], &any].concat())
}

fn wall() -> SystemTime {
    httpdate::parse_http_date("Sat, 21 Nov 2026 08:00:00 GMT").unwrap()
}

fn http(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Outcome {
    let all = [(":status", status)].into_iter().chain(headers.iter().copied());
    let answer =
        Answer { headers: all.collect(), body: body.to_vec(), trailers: Headers::default() };
    let protocol = Protocol::Http { traces: "/v1/traces".into(), logs: "/v1/logs".into() };
    Outcome::of(&answer, &protocol, wall())
}

fn grpc(trailers: &[(&str, &str)], body: &[u8]) -> Outcome {
    let headers = Headers::from_iter([(":status", "200"), ("content-type", "application/grpc")]);
    let trailers = trailers.iter().copied().collect();
    let answer = Answer { headers, body: body.to_vec(), trailers };
    Outcome::of(&answer, &Protocol::Grpc, wall())
}

#[test]
fn http_200_is_taken_whatever_its_body_says() {
    for body in [&b""[..], b"<html>", &[10, 0], &[0xff; 64]] {
        assert_eq!(http("200", &[], body), Outcome::Taken(None));
    }
    let rejection = Rejection { items: 3, message: "no".to_owned() };
    let body = [10, 6, 8, 3, 18, 2, b'n', b'o'];
    assert_eq!(http("200", &[], &body), Outcome::Taken(Some(rejection)));
}

#[test]
fn http_statuses_that_pass_are_tried_again() {
    for (status, failure) in [
        ("429", Failure::Throttled),
        ("502", Failure::Unavailable),
        ("503", Failure::Unavailable),
        ("504", Failure::Timeout),
    ] {
        assert_eq!(http(status, &[], b""), Outcome::Retry(failure, None));
    }
    assert_eq!(
        Outcome::of(&Answer::default(), &Protocol::Grpc, wall()),
        Outcome::Retry(Failure::Unavailable, None),
        "nobody answered"
    );
}

#[test]
fn every_other_http_status_is_final() {
    for status in ["100", "202", "204", "302", "400", "401", "404", "413", "500", "501"] {
        let text = format!("status {status}: bad\u{20}data");
        assert_eq!(http(status, &[], b"bad\ndata"), Outcome::Refused(text));
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    for (text, asked) in [
        ("7", Some(7)),
        (" 7 ", Some(7)),
        ("Sat, 21 Nov 2026 08:00:09 GMT", Some(9)),
        ("Sat, 21 Nov 2026 07:00:00 GMT", Some(0)),
        ("-7", None),
        ("soon", None),
        ("", None),
    ] {
        let asked = asked.map(Duration::from_secs);
        let outcome = Outcome::Retry(Failure::Throttled, asked);
        assert_eq!(http("429", &[("retry-after", text)], b""), outcome, "{text}");
    }
}

#[test]
fn grpc_statuses_decide() {
    for code in 0..=17_u64 {
        let outcome = grpc(&[("grpc-status", &code.to_string())], b"");
        match code {
            0 => assert_eq!(outcome, Outcome::Taken(None)),
            4 => assert_eq!(outcome, Outcome::Retry(Failure::Timeout, None)),
            1 | 10 | 11 | 14 | 15 => {
                assert_eq!(outcome, Outcome::Retry(Failure::Unavailable, None), "{code}");
            }
            _ => assert!(matches!(outcome, Outcome::Refused(_)), "{code}"),
        }
    }
}

#[test]
fn an_exhausted_collector_is_asked_again_only_if_it_says_when() {
    let details = details();
    let two = Some(Duration::from_secs(2));
    let with = [("grpc-status", "8"), ("grpc-status-details-bin", &*details)];
    assert_eq!(grpc(&with, b""), Outcome::Retry(Failure::Throttled, two));
    let without = [("grpc-status", "8"), ("grpc-message", "too%20many")];
    let refused = Outcome::Refused("RESOURCE_EXHAUSTED: too many".to_owned());
    assert_eq!(grpc(&without, b""), refused);
    let busy = [("grpc-status", "14"), ("grpc-status-details-bin", &*details)];
    assert_eq!(grpc(&busy, b""), Outcome::Retry(Failure::Unavailable, two));
}

#[test]
fn a_grpc_answer_of_headers_alone_is_one() {
    let headers = Headers::from_iter([(":status", "200"), ("grpc-status", "14")]);
    let answer = Answer { headers, ..Answer::default() };
    let outcome = Outcome::of(&answer, &Protocol::Grpc, wall());
    assert_eq!(outcome, Outcome::Retry(Failure::Unavailable, None));
}

#[test]
fn a_partial_success_is_in_the_frame_of_grpc() {
    let body = [0, 0, 0, 0, 4, 10, 2, 8, 5];
    let rejection = Rejection { items: 5, message: String::new() };
    let ok = [("grpc-status", "0")];
    assert_eq!(grpc(&ok, &body), Outcome::Taken(Some(rejection)));
    let compressed = [1, 0, 0, 0, 4, 10, 2, 8, 5];
    assert_eq!(grpc(&ok, &compressed), Outcome::Taken(None));
}

#[test]
fn what_is_no_grpc_is_refused() {
    for trailers in [&[][..], &[("grpc-status", "x")], &[("grpc-status", "99")]] {
        let refused = Outcome::Refused("not an answer of gRPC".to_owned());
        assert_eq!(grpc(trailers, b"<html>"), refused);
    }
}
