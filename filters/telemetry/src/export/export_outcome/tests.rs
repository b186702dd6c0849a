#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;

/// A base64-encoded `google.rpc.Status` with a `RetryInfo` of two seconds.
fn details() -> String {
    let any = [&[10, 40][..], b"type.googleapis.com/google.rpc.RetryInfo", &[18, 4, 10, 2, 8, 2]];
    let any = any.concat();
    let length = u8::try_from(any.len()).unwrap();
    BASE64_STANDARD.encode([&[26, length][..], &any].concat())
}

fn wall() -> SystemTime {
    httpdate::parse_http_date("Sat, 21 Nov 2026 08:00:00 GMT").unwrap()
}

fn http(status: &str, headers: &[(&str, &str)], body: &[u8]) -> ExportOutcome {
    let all = [(":status", status)].into_iter().chain(headers.iter().copied());
    let response =
        Response { headers: all.collect(), body: body.to_vec(), trailers: Headers::default() };
    let protocol = Protocol::Http { traces: "/v1/traces".into(), logs: "/v1/logs".into() };
    ExportOutcome::from_response(&response, &protocol, wall())
}

fn grpc(trailers: &[(&str, &str)], body: &[u8]) -> ExportOutcome {
    let headers = Headers::from_iter([(":status", "200"), ("content-type", "application/grpc")]);
    let trailers = trailers.iter().copied().collect();
    let response = Response { headers, body: body.to_vec(), trailers };
    ExportOutcome::from_response(&response, &Protocol::Grpc, wall())
}

#[test]
fn http_200_is_accepted_with_any_body() {
    for body in [&b""[..], b"<html>", &[10, 0], &[0xff; 64]] {
        assert_eq!(http("200", &[], body), ExportOutcome::Accepted(None));
    }
    let partial = PartialSuccess { rejected_items: 3, message: "no".to_owned() };
    let body = [10, 6, 8, 3, 18, 2, b'n', b'o'];
    assert_eq!(http("200", &[], &body), ExportOutcome::Accepted(Some(partial)));
}

#[test]
fn retries_transient_http_statuses() {
    for (status, failure) in [
        ("429", Failure::Throttled),
        ("502", Failure::Unavailable),
        ("503", Failure::Unavailable),
        ("504", Failure::Timeout),
    ] {
        assert_eq!(http(status, &[], b""), ExportOutcome::Retry(failure, None));
    }
    assert_eq!(
        ExportOutcome::from_response(&Response::default(), &Protocol::Grpc, wall()),
        ExportOutcome::Retry(Failure::Unavailable, None),
        "no response"
    );
}

#[test]
fn refuses_on_any_other_http_status() {
    for status in ["100", "202", "204", "302", "400", "401", "404", "413", "500", "501"] {
        let text = format!("status {status}: bad\u{20}data");
        assert_eq!(http(status, &[], b"bad\ndata"), ExportOutcome::Refused(text));
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    for (text, delay) in [
        ("7", Some(7)),
        (" 7 ", Some(7)),
        ("Sat, 21 Nov 2026 08:00:09 GMT", Some(9)),
        ("Sat, 21 Nov 2026 07:00:00 GMT", Some(0)),
        ("-7", None),
        ("soon", None),
        ("", None),
    ] {
        let delay = delay.map(Duration::from_secs);
        let outcome = ExportOutcome::Retry(Failure::Throttled, delay);
        assert_eq!(http("429", &[("retry-after", text)], b""), outcome, "{text}");
    }
}

#[test]
fn retries_transient_grpc_statuses() {
    for code in 0..=17_u64 {
        let outcome = grpc(&[("grpc-status", &code.to_string())], b"");
        match code {
            0 => assert_eq!(outcome, ExportOutcome::Accepted(None)),
            4 => assert_eq!(outcome, ExportOutcome::Retry(Failure::Timeout, None)),
            1 | 10 | 11 | 14 | 15 => {
                assert_eq!(outcome, ExportOutcome::Retry(Failure::Unavailable, None), "{code}");
            }
            _ => assert!(matches!(outcome, ExportOutcome::Refused(_)), "{code}"),
        }
    }
}

#[test]
fn retries_resource_exhausted_only_with_a_delay() {
    let details = details();
    let two = Some(Duration::from_secs(2));
    let with = [("grpc-status", "8"), ("grpc-status-details-bin", &*details)];
    assert_eq!(grpc(&with, b""), ExportOutcome::Retry(Failure::Throttled, two));
    let without = [("grpc-status", "8"), ("grpc-message", "too%20many")];
    let refused = ExportOutcome::Refused("RESOURCE_EXHAUSTED: too many".to_owned());
    assert_eq!(grpc(&without, b""), refused);
    let busy = [("grpc-status", "14"), ("grpc-status-details-bin", &*details)];
    assert_eq!(grpc(&busy, b""), ExportOutcome::Retry(Failure::Unavailable, two));
}

#[test]
fn reads_trailers_only_responses() {
    let headers = Headers::from_iter([(":status", "200"), ("grpc-status", "14")]);
    let response = Response { headers, ..Response::default() };
    let outcome = ExportOutcome::from_response(&response, &Protocol::Grpc, wall());
    assert_eq!(outcome, ExportOutcome::Retry(Failure::Unavailable, None));
}

#[test]
fn an_invalid_status_in_trailers_is_not_replaced_by_the_headers() {
    let headers = Headers::from_iter([(":status", "200"), ("grpc-status", "0")]);
    let trailers = Headers::from_iter([("grpc-status", "abc")]);
    let response = Response { headers, trailers, ..Response::default() };
    let outcome = ExportOutcome::from_response(&response, &Protocol::Grpc, wall());
    assert_eq!(outcome, ExportOutcome::Refused("not a gRPC response".to_owned()));
}

#[test]
fn decodes_a_partial_success_in_grpc_framing() {
    let body = [0, 0, 0, 0, 4, 10, 2, 8, 5];
    let partial = PartialSuccess { rejected_items: 5, message: String::new() };
    let ok = [("grpc-status", "0")];
    assert_eq!(grpc(&ok, &body), ExportOutcome::Accepted(Some(partial)));
    let compressed = [1, 0, 0, 0, 4, 10, 2, 8, 5];
    assert_eq!(grpc(&ok, &compressed), ExportOutcome::Accepted(None));
}

#[test]
fn refuses_responses_without_a_grpc_status() {
    for trailers in [&[][..], &[("grpc-status", "x")], &[("grpc-status", "99")]] {
        let refused = ExportOutcome::Refused("not a gRPC response".to_owned());
        assert_eq!(grpc(trailers, b"<html>"), refused);
    }
}
