#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::protobuf::{bytes, message, varint};

use super::*;
use crate::service::Unit;

mod failures;
mod windows;

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
