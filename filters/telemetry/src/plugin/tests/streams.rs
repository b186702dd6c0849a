//! Streams that end in usual and unusual ways.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_host::memory::Proxy;

use super::{
    Meter, metric,
    scenarios::{SECOND, request},
    start,
};

type Serve = fn(&Proxy, &mut Meter) -> u32;

/// Envoy's response flags UC and DC.
const UPSTREAM_TERMINATION: u64 = 1 << 6;
const DOWNSTREAM_TERMINATION: u64 = 1 << 14;

fn open(worker: &mut Meter, more: &[(&str, &str)], end_of_stream: bool) -> u32 {
    worker.open(request("/1/stream", more).into_iter().collect(), end_of_stream)
}

fn complete(_: &Proxy, worker: &mut Meter) -> u32 {
    let stream = open(worker, &[], true);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_body(stream, b"ok", true);
    stream
}

fn incomplete(_: &Proxy, worker: &mut Meter) -> u32 {
    let stream = open(worker, &[], true);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_body(stream, b"half", false);
    worker.set_property(stream, "response.flags", &UPSTREAM_TERMINATION.to_le_bytes());
    stream
}

fn aborted(proxy: &Proxy, worker: &mut Meter) -> u32 {
    let stream = incomplete(proxy, worker);
    worker.set_property(stream, "response.flags", &DOWNSTREAM_TERMINATION.to_le_bytes());
    stream
}

fn without_response(_: &Proxy, worker: &mut Meter) -> u32 {
    open(worker, &[], true)
}

fn of_the_codec(_: &Proxy, worker: &mut Meter) -> u32 {
    let stream = open(worker, &[], true);
    worker.set_property(stream, "response.code", &400_u64.to_le_bytes());
    stream
}

fn trailers_only(_: &Proxy, worker: &mut Meter) -> u32 {
    let stream = open(worker, &[("content-type", "application/grpc")], true);
    worker.response_headers(stream, &[(":status", "200"), ("grpc-status", "14")], true);
    stream
}

fn failed_call(_: &Proxy, worker: &mut Meter) -> u32 {
    let stream = open(worker, &[("content-type", "application/grpc")], false);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_body(stream, b"", false);
    worker.response_trailers(stream, &[("grpc-status", "13")]);
    stream
}

fn call_answered_by_a_web_server(_: &Proxy, worker: &mut Meter) -> u32 {
    let stream = open(worker, &[("content-type", "application/grpc")], false);
    worker.request_body(stream, &[0; 5], true);
    worker.response_headers(stream, &[(":status", "200")], false);
    worker.response_body(stream, b"<html>", true);
    stream
}

fn tunnel(worker: &mut Meter, method: &str, status: &str) -> u32 {
    let stream = worker.open([(":method", method)].into_iter().collect(), false);
    worker.response_headers(stream, &[(":status", status)], false);
    worker.response_body(stream, b"tunnelled", false);
    stream
}

fn websocket(_: &Proxy, worker: &mut Meter) -> u32 {
    tunnel(worker, "GET", "101")
}

fn connect(_: &Proxy, worker: &mut Meter) -> u32 {
    tunnel(worker, "CONNECT", "200")
}

#[test]
fn counts_each_stream_once_at_its_end() {
    // The expected counts of errors, durations and response bytes, and the class of the status.
    let cases: [(Serve, [u64; 3], &str); 10] = [
        (complete, [0, 1, 2], "2xx"),
        (incomplete, [1, 1, 4], "2xx"),
        (aborted, [0, 1, 4], "2xx"),
        (without_response, [1, 1, 0], "no_response"),
        (of_the_codec, [0, 1, 0], "4xx"),
        (trailers_only, [1, 1, 0], "2xx"),
        (failed_call, [1, 1, 0], "2xx"),
        (call_answered_by_a_web_server, [1, 1, 6], "2xx"),
        (websocket, [0, 0, 9], "1xx"),
        (connect, [0, 0, 9], "2xx"),
    ];
    for (index, (serve, [errors, durations, bytes], class)) in cases.into_iter().enumerate() {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, "{}");
        let stream = serve(&proxy, &mut worker);
        worker.advance(SECOND);
        assert_eq!(metric(&proxy, "requests_in_flight"), 1, "case {index}");
        assert_eq!(metric(&proxy, "requests_total"), 0, "case {index}");
        worker.end(stream);
        worker.advance(SECOND);
        assert_eq!(metric(&proxy, "requests_in_flight"), 0, "case {index}");
        assert_eq!(metric(&proxy, "requests_total"), 1, "case {index}");
        assert_eq!(metric(&proxy, &format!("requests_{class}_total")), 1, "case {index}");
        assert_eq!(metric(&proxy, "request_errors_total"), errors, "case {index}");
        let durations = vec![1_000; usize::try_from(durations).unwrap()];
        assert_eq!(proxy.recorded("weir_telemetry_request_duration_ms"), durations, "case {index}");
        assert_eq!(proxy.recorded("weir_telemetry_response_bytes"), [bytes], "case {index}");
    }
}

#[test]
fn takes_the_values_of_a_stream_that_it_never_saw_from_the_proxy() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, "{}");
    let (asked, refused) = (request("/1/stream", &[]), [(":status", "401")]);
    let stream =
        worker.answered_earlier(asked.into_iter().collect(), refused.into_iter().collect());
    for (path, value) in
        [("request.duration", 7_900_000_u64), ("request.size", 11), ("response.size", 22)]
    {
        worker.set_property(stream, path, &value.to_le_bytes());
    }
    worker.end(stream);
    worker.advance(SECOND);
    let counts = ["requests_total", "requests_4xx_total", "request_errors_total"];
    assert_eq!(counts.map(|name| metric(&proxy, name)), [1, 1, 0]);
    assert_eq!(metric(&proxy, "requests_in_flight"), 0, "it was never in flight");
    let recorded = ["request_duration_ms", "request_bytes", "response_bytes"];
    let recorded = recorded.map(|name| proxy.recorded(&format!("weir_telemetry_{name}")));
    assert_eq!(recorded, [[7], [11], [22]]);
}

#[test]
fn measures_the_time_from_its_first_callback_to_the_end() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, "{}");
    let stream = complete(&proxy, &mut worker);
    proxy.pass(Duration::from_micros(12_999));
    worker.end(stream);
    drop(worker);
    assert_eq!(proxy.recorded("weir_telemetry_request_duration_ms"), [12]);
}

#[test]
fn counts_messages_of_grpc_and_of_no_other_body() {
    let document = r#"{"metrics": {"overrides": [
        {"match": {"metric": "GRPC_REQUEST_MESSAGES"}, "disabled": false},
        {"match": {"metric": "GRPC_RESPONSE_MESSAGES"}, "disabled": false}]}}"#;
    let two_messages = [0, 0, 0, 0, 2, 7, 7, 0, 0, 0, 0, 0];
    for (content_type, expected) in [
        ("application/grpc", [2, 1]),
        ("application/grpc+proto", [2, 1]),
        ("application/grpc-web+proto", [0, 0]),
        ("application/grpc-web-text", [0, 0]),
        ("application/json", [0, 0]),
    ] {
        let proxy = Proxy::new();
        let mut worker = start(&proxy, document);
        let stream = open(&mut worker, &[("content-type", content_type)], false);
        let (first, rest) = two_messages.split_at(3);
        worker.request_body(stream, first, false);
        worker.request_body(stream, rest, true);
        worker.response_headers(stream, &[(":status", "200")], false);
        worker.response_body(stream, &[0, 0, 0, 0, 0], false);
        worker.response_trailers(stream, &[("grpc-status", "0")]);
        worker.end(stream);
        drop(worker);
        let counts = ["request_messages_total", "response_messages_total"];
        assert_eq!(counts.map(|name| metric(&proxy, name)), expected, "{content_type}");
    }
}
