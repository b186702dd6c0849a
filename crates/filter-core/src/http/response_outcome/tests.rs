#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::Headers;

#[derive(Clone, Default)]
struct Stream {
    request: Headers,
    response: Headers,
    trailers: Headers,
    code: Option<u64>,
    flags: u64,
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

impl Stream {
    fn new(request: Pairs<'_>, response: Pairs<'_>, trailers: Pairs<'_>) -> Self {
        let [request, response, trailers] =
            [request, response, trailers].map(|pairs| pairs.iter().copied().collect());
        Self { request, response, trailers, ..Self::default() }
    }

    fn outcome(&self) -> ResponseOutcome {
        ResponseOutcome::read(self, false)
    }
}

fn first(headers: &Headers, name: &str) -> Option<Vec<u8>> {
    headers.first(name).map(<[u8]>::to_vec)
}

impl EndedStream for Stream {
    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        first(&self.request, name)
    }

    fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        first(&self.response, name)
    }

    fn response_trailer(&self, name: &str) -> Option<Vec<u8>> {
        first(&self.trailers, name)
    }

    fn response_code(&self) -> Option<u64> {
        self.code
    }

    fn response_flags(&self) -> Option<u64> {
        Some(self.flags)
    }
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");
const JSON: (&str, &str) = ("content-type", "application/json");
const WEB: (&str, &str) = ("content-type", "application/grpc-web+proto");

const fn status(code: &str) -> (&str, &str) {
    (":status", code)
}

const fn grpc_status(code: &str) -> (&str, &str) {
    ("grpc-status", code)
}

#[test]
fn reads_the_grpc_status_as_envoys_access_log_does() {
    let other = ("x-checksum", "1");
    for (response, trailers, expected, is_error) in [
        // In trailers, alone and among others.
        (&[status("200"), GRPC][..], &[grpc_status("0")][..], Some(0), false),
        (&[status("200"), GRPC], &[grpc_status("14")], Some(14), true),
        (&[status("200"), GRPC], &[other, grpc_status("5"), other], Some(5), false),
        (&[status("200"), GRPC], &[grpc_status("99")], Some(99), false),
        // In headers: trailers only, next to a body, next to other trailers.
        (&[status("200"), GRPC, grpc_status("13")], &[], Some(13), true),
        (&[status("200"), GRPC, grpc_status("14")], &[other], Some(14), true),
        (&[status("200"), grpc_status("7")], &[], Some(7), false),
        (&[status("200"), JSON, grpc_status("14")], &[], Some(14), true),
        // In both: the trailers decide.
        (&[status("200"), GRPC, grpc_status("0")], &[grpc_status("14")], Some(14), true),
        (&[status("200"), GRPC, grpc_status("14")], &[grpc_status("0")], Some(0), false),
        (&[status("200"), GRPC, grpc_status("14")], &[grpc_status("")], Some(14), true),
        // In neither: from the HTTP status.
        (&[status("200"), GRPC], &[], Some(2), true),
        (&[status("200"), GRPC], &[other], Some(2), true),
        (&[status("200"), JSON], &[], Some(2), true),
        (&[status("503"), JSON], &[], Some(14), true),
        (&[status("503")], &[], Some(14), true),
        (&[status("502")], &[], Some(14), true),
        (&[status("429"), JSON], &[], Some(14), true),
        (&[status("400"), JSON], &[], Some(13), true),
        (&[status("401"), JSON], &[], Some(16), false),
        (&[status("403"), JSON], &[], Some(7), false),
        (&[status("404"), JSON], &[], Some(12), true),
        (&[status("500"), JSON], &[], Some(2), true),
        (&[status("503"), grpc_status("")], &[], Some(14), true),
        (&[status("503"), grpc_status("0")], &[], Some(0), true),
        // Not a number, or not a status.
        (&[status("200"), GRPC], &[grpc_status("unavailable")], Some(2), true),
        (&[status("200"), GRPC], &[grpc_status("0,0")], Some(2), true),
        (&[status("200"), GRPC], &[grpc_status("-1")], Some(2), true),
        (&[status("200"), GRPC], &[grpc_status("99999999999999999999")], Some(2), true),
        (&[status("200"), GRPC], &[grpc_status("\u{ff}")], Some(2), true),
        // The gRPC-Web filter has moved the trailers into the body.
        (&[status("200"), WEB], &[], None, false),
        (&[status("200"), WEB, grpc_status("14")], &[], Some(14), true),
        (&[status("503"), WEB], &[], Some(14), true),
        // Without a response.
        (&[], &[], None, true),
    ] {
        for kind in ["application/grpc", "application/grpc+proto", "application/grpc+json"] {
            let stream = Stream::new(&[("content-type", kind)], response, trailers);
            let outcome = stream.outcome();
            assert_eq!(outcome.grpc_status, expected, "{kind} {response:?} {trailers:?}");
            assert_eq!(outcome.is_error(), is_error, "{kind} {response:?} {trailers:?}");
        }
    }
}

#[test]
fn other_requests_have_no_grpc_status() {
    for request in [
        &[][..],
        &[JSON],
        &[WEB],
        &[("content-type", "application/grpcx")],
        &[("content-type", "application/grpc;x")],
        &[("content-type", "Application/grpc")],
        &[("content-type", "")],
    ] {
        for (response, is_error) in [
            (&[status("200"), JSON][..], false),
            (&[status("200"), GRPC, grpc_status("14")], false),
            (&[status("404")], false),
            (&[status("503")], true),
        ] {
            let stream = Stream::new(request, response, &[grpc_status("14")]);
            let outcome = stream.outcome();
            assert_eq!(outcome.grpc_status, None, "{request:?} {response:?}");
            assert_eq!(outcome.is_error(), is_error, "{request:?} {response:?}");
        }
    }
}

#[test]
fn reads_the_status_from_the_attribute_without_headers() {
    for (response, code, expected) in [
        (&[status("200")][..], None, Some(200)),
        (&[status("200")], Some(503), Some(200)),
        (&[], Some(400), Some(400)),
        (&[], Some(0), None),
        (&[], Some(u64::MAX), None),
        (&[], None, None),
        (&[status("x")], Some(503), Some(503)),
        (&[status("99999")], None, None),
        (&[status("0")], None, None),
    ] {
        let stream = Stream { code, ..Stream::new(&[GRPC], response, &[]) };
        assert_eq!(stream.outcome().status, expected, "{response:?} {code:?}");
        let is_mapped = stream.outcome().grpc_status.is_some();
        assert_eq!(is_mapped, expected.is_some(), "{response:?} {code:?}");
    }
}

const LEFT: u64 = 0x4000;
const CUT: u64 = 0x40;

#[test]
fn an_incomplete_response_is_an_error_unless_the_client_left() {
    let answered = |code| Some(code);
    for (code, flags, is_error, is_answered) in [
        (answered("200"), 0, false, true),
        (answered("404"), 0, false, true),
        (answered("499"), 0, false, true),
        (answered("500"), 0, true, true),
        (answered("599"), 0, true, true),
        (answered("200"), CUT, true, true),
        (answered("404"), CUT, true, true),
        (answered("101"), CUT, false, true),
        (answered("101"), LEFT, false, true),
        (answered("200"), LEFT, false, true),
        (answered("503"), LEFT, false, true),
        (None, 0, true, true),
        (None, CUT, true, true),
        (None, LEFT, false, false),
    ] {
        let headers = code.map(status);
        let stream = Stream { flags, ..Stream::new(&[], headers.as_slice(), &[]) };
        let outcome = stream.outcome();
        assert_eq!(outcome.is_error(), is_error, "{code:?} {flags:x}");
        assert_eq!(outcome.is_answered(), is_answered, "{code:?} {flags:x}");
    }
}

#[test]
fn a_tunnel_may_end_at_any_time() {
    for (method, code, is_tunnel) in [
        ("CONNECT", "200", true),
        ("CONNECT", "403", false),
        ("GET", "101", true),
        ("GET", "200", false),
    ] {
        let request = [(":method", method)];
        let stream = Stream { flags: CUT, ..Stream::new(&request, &[status(code)], &[]) };
        let outcome = stream.outcome();
        assert_eq!((outcome.is_tunnel, outcome.is_error()), (is_tunnel, !is_tunnel), "{code}");
    }
}

#[test]
fn reads_no_flags_if_the_end_was_seen() {
    let stream = Stream { flags: CUT, ..Stream::new(&[], &[status("200")], &[]) };
    assert_eq!(ResponseOutcome::read(&stream, true).ending, Ending::Complete);
    // The response is missing, so its end was not seen.
    let stream = Stream { flags: LEFT, ..Stream::default() };
    assert_eq!(ResponseOutcome::read(&stream, true).ending, Ending::ClientAborted);
}

#[test]
fn flags_name_the_side_that_ended_a_response() {
    for (flags, ending) in [
        (0, Ending::Complete),
        // NR: a local reply without a body.
        (0x100, Ending::Complete),
        // FI, URX.
        (0x8400, Ending::Complete),
        // UC, UT, SI.
        (0x40, Ending::Incomplete),
        (0x4, Ending::Incomplete),
        (0x1_0000, Ending::Incomplete),
        // DC, also where the proxy then reset the upstream.
        (0x4000, Ending::ClientAborted),
        (0x4010, Ending::ClientAborted),
        (u64::MAX, Ending::ClientAborted),
    ] {
        assert_eq!(Ending::from_flags(flags), ending, "{flags:x}");
    }
}
