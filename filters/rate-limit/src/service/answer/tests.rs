#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::protobuf::{bytes, message, varint};

use super::*;
use crate::service::Unit;

const NONE: &[(&str, &str)] = &[];

fn framed(fields: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    fields(&mut out);
    [&grpc::prefix(out.len()), &*out].concat()
}

fn read_body(body: &[u8], asked: usize) -> Result<Answer, ServiceFailure> {
    let headers = Headers::from_iter([(":status", "200")]);
    Answer::read(&headers, body, &Headers::from_iter([("grpc-status", "0")]), asked)
}

fn read(fields: impl FnOnce(&mut Vec<u8>)) -> Answer {
    read_body(&framed(fields), 1).unwrap()
}

fn header(tag: u32, key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    message(tag, out, |out| {
        bytes(1, key, out);
        bytes(2, value, out);
    });
}

fn name(name: &str) -> HeaderName {
    name.parse().unwrap()
}

#[test]
fn reads_every_field() {
    let answer = read(|out| {
        varint(1, 2, out);
        message(2, out, |out| {
            varint(1, 2, out);
            message(2, out, |out| {
                varint(1, 300, out);
                varint(2, 2, out);
                bytes(3, b"user", out);
            });
            varint(3, 4, out);
            message(4, out, |out| varint(1, 59, out));
        });
        header(3, b"X-Plan", b"free", out);
        message(4, out, |out| {
            bytes(1, b"x-raw", out);
            bytes(3, b"\xff\t", out);
        });
        bytes(5, b"slow down", out);
        message(6, out, |_| {});
        varint(99, 1, out);
    });
    let limit = Some(Rate { requests_per_unit: 300, unit: Unit::Minute });
    let until_reset = Some(Duration::from_secs(59));
    let status = Status { code: Code::OverLimit, limit_remaining: 4, until_reset, limit };
    let expected = Answer {
        code: Code::OverLimit,
        statuses: vec![status],
        request_headers: vec![(name("x-raw"), b"\xff\t".to_vec())],
        response_headers: vec![(name("x-plan"), b"free".to_vec())],
        raw_body: b"slow down".to_vec(),
    };
    assert_eq!(answer, expected);
    assert_eq!(answer.until_reset(), Duration::from_secs(59));
    assert_eq!(answer.remaining(), Some(4));
}

#[test]
fn an_empty_answer_is_unknown() {
    let answer = read(|_| {});
    assert_eq!((answer.code, answer.remaining()), (Code::Unknown, None));
    assert_eq!(answer.until_reset(), DEFAULT_RESET);
}

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
        let none: Headers = NONE.iter().copied().collect();
        for (headers, trailers) in [(&headers, &trailers), (&trailers_only, &none)] {
            let found = Answer::read(headers, &grpc::prefix(0), trailers, 1);
            assert_eq!(found, Err(failure), "{headers:?} {trailers:?}");
        }
    }
}

#[test]
fn a_failure_is_shown_without_the_words_of_the_service() {
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

#[test]
fn another_number_of_statuses_can_refuse_but_not_admit() {
    for (code, sent, asked, found) in [
        (1, 0, 2, Ok(0)),
        (1, 2, 2, Ok(2)),
        (2, 0, 1, Ok(0)),
        (1, 1, 2, Err(ServiceFailure::Malformed)),
        (1, 3, 2, Err(ServiceFailure::Malformed)),
        (0, 1, 0, Err(ServiceFailure::Malformed)),
        (2, 1, 2, Ok(0)),
        (2, 3, 2, Ok(0)),
    ] {
        let body = framed(|out| {
            (0..sent).for_each(|_| message(2, out, |out| varint(3, 7, out)));
            varint(1, code, out);
        });
        let read = read_body(&body, asked).map(|answer| answer.statuses.len());
        assert_eq!(read, found, "{code} {sent} {asked}");
    }
}

#[test]
fn drops_headers_that_a_service_must_not_add() {
    let long = [b'x'; 4097];
    let answer = read(|out| {
        for (key, value) in [
            (&b":path"[..], &b"/"[..]),
            (b"Host", b"a"),
            (b"connection", b"close"),
            (b"transfer-encoding", b"chunked"),
            (b"content-length", b"0"),
            (b"a b", b""),
            (b"", b"1"),
            (b"\xff", b"1"),
            (b"x-split", b"a\r\nb: c"),
            (b"x-nul", b"\0"),
            (b"x-del", b"\x7f"),
            (b"x-long", &long),
        ] {
            header(3, key, value, out);
            header(4, key, value, out);
        }
        header(3, b"set-cookie", b"a=1", out);
        header(3, b"set-cookie", b"b=2", out);
    });
    assert_eq!(answer.request_headers, []);
    let cookies = [(name("set-cookie"), b"a=1".to_vec()), (name("set-cookie"), b"b=2".to_vec())];
    assert_eq!(answer.response_headers, cookies);
    let many = read(|out| (0..100).for_each(|_| header(3, b"a", b"", out)));
    assert_eq!(many.response_headers.len(), 64);
}

#[test]
fn the_end_of_the_window_is_in_the_statuses_or_in_a_header() {
    let status = |code, seconds: u64, out: &mut Vec<u8>| {
        message(2, out, |out| {
            varint(1, code, out);
            message(4, out, |out| varint(1, seconds, out));
        });
    };
    let reset = |code, resets: &[(u64, u64)], value: &str| {
        let body = framed(|out| {
            varint(1, code, out);
            resets.iter().for_each(|(code, seconds)| status(*code, *seconds, out));
            header(3, b"X-RateLimit-Reset", value.as_bytes(), out);
        });
        read_body(&body, resets.len()).unwrap().until_reset().as_secs()
    };
    assert_eq!(reset(1, &[(1, 60), (1, 20)], "5"), 20);
    assert_eq!(reset(2, &[(2, 60), (1, 3600), (2, 20)], "5"), 60);
    assert_eq!(reset(2, &[(1, 60)], "5"), 5);
    assert_eq!(reset(1, &[], "5"), 5);
    assert_eq!(reset(1, &[(1, u64::MAX >> 1)], "5"), 5);
    for value in ["", "soon", "-1", "1.5", "1764388800", "99999999999999999999999"] {
        assert_eq!(reset(1, &[], value), 1, "{value:?}");
    }
}

#[test]
fn the_remaining_units_are_known_only_with_a_limit() {
    let remaining = |limit: bool, units: u64, value: &str| {
        let answer = read(|out| {
            message(2, out, |out| {
                if limit {
                    message(2, out, |out| varint(1, 9, out));
                }
                varint(3, units, out);
            });
            header(3, b"x-ratelimit-remaining", value.as_bytes(), out);
        });
        answer.remaining()
    };
    assert_eq!(remaining(true, 0, "7"), Some(0));
    assert_eq!(remaining(false, 3, "7"), Some(3));
    assert_eq!(remaining(false, u64::MAX, "7"), Some(u32::MAX));
    assert_eq!(remaining(false, 0, "7"), Some(7));
    assert_eq!(remaining(false, 0, "x"), None);
}

#[test]
fn a_multiplied_unit_is_unknown() {
    for (multiplier, unit) in [(1, Unit::Hour), (3, Unit::Unknown)] {
        let answer = read(|out| {
            message(2, out, |out| {
                message(2, out, |out| {
                    varint(2, 3, out);
                    message(4, out, |out| varint(1, multiplier, out));
                });
            });
        });
        assert_eq!(answer.statuses[0].limit.unwrap().unit, unit);
    }
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn reads_any_bytes(content: Vec<u8>, asked in 0usize..4) {
        let _ = read_body(&content, asked);
        if let Ok(answer) = read_body(&framed(|out| out.extend(&content)), asked) {
            proptest::prop_assert!(answer.statuses.len() <= asked);
            proptest::prop_assert!(answer.until_reset() <= MAX_RESET);
        }
    }

    #[test]
    fn reads_any_part_of_an_answer(cut in 0usize..60, at in 0usize..60, byte: u8) {
        let mut body = framed(|out| {
            varint(1, 1, out);
            message(2, out, |out| {
                varint(1, 1, out);
                message(2, out, |out| varint(1, 300, out));
                message(4, out, |out| varint(2, 5, out));
            });
            header(3, b"x-a", b"b", out);
            header(4, b"x-c", b"d", out);
            bytes(5, b"e", out);
        });
        let _ = read_body(&body[..cut.min(body.len())], 1);
        let at = at.min(body.len() - 1);
        body[at] = byte;
        let _ = read_body(&body, 1);
    }
}
