#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn reads_the_failure_of_a_call() {
    use ServiceFailure::{Http, Malformed, Refused, Timeout, Unavailable};
    let grpc = |status: &'static str| vec![("grpc-status", status)];
    let timed_out = vec![
        ("grpc-status", "14"),
        ("grpc-message", "upstream request timeout%7Bresponse_timeout%7D"),
    ];
    for (status, trailers, failure) in [
        (None, vec![], Unavailable),
        (Some("503"), vec![], Unavailable),
        (Some("504"), grpc("0"), Timeout),
        (Some("404"), vec![], Http(404)),
        (Some("99999"), vec![], Malformed),
        (Some("200"), vec![], Malformed),
        (Some("200"), grpc("x"), Malformed),
        (Some("200"), grpc("4"), Timeout),
        (Some("200"), grpc("14"), Unavailable),
        (Some("200"), timed_out, Timeout),
        (Some("200"), grpc("12"), Refused(GrpcStatus::Unimplemented)),
        (Some("200"), grpc("8"), Refused(GrpcStatus::ResourceExhausted)),
    ] {
        let headers: Headers = status.map(|status| (":status", status)).into_iter().collect();
        let trailers_only: Headers = headers
            .iter()
            .chain(trailers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())))
            .collect();
        let trailers: Headers = trailers.iter().copied().collect();
        let none = Headers::default();
        for (headers, trailers) in [(&headers, &trailers), (&trailers_only, &none)] {
            let found = Answer::read(headers, &grpc::prefix(0), trailers, 1);
            assert_eq!(found, Err(failure), "{headers:?} {trailers:?}");
        }
    }
}

#[test]
fn the_text_of_a_failure_has_no_bytes_from_the_service() {
    for (failure, text) in [
        (ServiceFailure::Http(404), "HTTP status 404"),
        (ServiceFailure::Refused(GrpcStatus::Internal), "gRPC status INTERNAL"),
        (ServiceFailure::Malformed, "malformed response"),
    ] {
        assert_eq!(failure.to_string(), text);
    }
}

#[test]
fn malformed_bodies_are_failures() {
    let long = framed(|out| bytes(5, &[b'x'; MAX_ANSWER_LEN], out));
    for body in [
        &b""[..],
        b"<html>",
        &[0, 0, 0, 0, 1],
        &[0, 0, 0, 0, 0, 0],
        &[1, 0, 0, 0, 0],
        &framed(|out| varint(1, 3, out)),
        &framed(|out| out.extend([0x12, 5, 1])),
        &framed(|out| message(2, out, |out| out.push(0xff))),
        &framed(|out| message(3, out, |out| out.push(0x0a))),
        &long,
    ] {
        assert_eq!(read_body(body, 1), Err(ServiceFailure::Malformed));
    }
}
