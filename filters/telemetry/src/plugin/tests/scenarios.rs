//! Scenarios that together make every host call of the filter.

use std::time::Duration;

use filter_host::memory::{HttpCall, Proxy, StreamState};

use super::{Meter, outcome::Outcome, start};

pub(super) const SECOND: Duration = Duration::from_secs(1);
/// The interval at which counts are reported and the queues checked.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// Labels, messages, an objective, custom metrics of each kind, and an open label with one value.
const LABELLED: &str = r#"{
    "slos": [{"name": "fast", "latency": "1s"}],
    "metrics": {
        "labels": true, "maxValues": 1,
        "overrides": [
            {"match": {"metric": "REQUEST_DURATION"}, "disabled": true},
            {"match": {"metric": "REQUEST_SIZE"}, "disabled": true},
            {"match": {"metric": "RESPONSE_SIZE"}, "disabled": true},
            {"match": {"metric": "GRPC_REQUEST_MESSAGES"}, "disabled": false},
            {"match": {"metric": "GRPC_RESPONSE_MESSAGES"}, "disabled": false}
        ],
        "definitions": [
            {"name": "tenant", "dimensions": {"tenant": {"value": "request.headers['x-tenant']"}}},
            {"name": "last_size", "type": "GAUGE", "value": "int(response.headers['x-size'])"},
            {"name": "sizes", "type": "HISTOGRAM", "value": "int(response.headers['x-size'])"}
        ]
    }}"#;

/// Spans of every request, with tags from each source.
pub(super) const TRACED: &str = r#"{
    "extensionProviders": [{"name": "otel", "opentelemetry": {
        "cluster": "collector", "queue": {"maxBatchDelay": "200ms"}}}],
    "tracing": {"randomSamplingPercentage": 100, "customTags": {
        "user": {"header": {"name": "x-user"}, "redact": "HASH"},
        "peer": {"expression": {"value": "filter_state.peer"}},
        "route": {"expression": {"value": "xds.route_name"}}
    }}}"#;

/// Traces that are neither continued nor propagated.
const RESTARTED: &str = r#"{"tracing": {"remoteContext": "RESTART",
    "disableContextPropagation": true}}"#;

/// Lines in the proxy's log and records for a collector, with hashed fields.
pub(super) const LOGGED: &str = r#"{
    "extensionProviders": [{"name": "otel", "opentelemetry": {
        "cluster": "collector", "http": {}, "queue": {"maxBatchDelay": "200ms"}}}],
    "accessLogging": [
        {"fields": {"user": {"value": "request.auth.claims['sub']", "redact": "HASH"}}},
        {"providers": [{"name": "otel"}], "fields": {
            "user": {"value": "request.headers['x-user']", "redact": "HASH"}}}
    ]}"#;

/// All headers of responses for requests of a network, and the operation in filter state.
const RESPONSE_HEADERS: &str = r#"{
    "filterState": true, "operations": [{"pathTemplate": "/{id}/stream", "name": "stream"}],
    "tracing": {}, "responseHeaders": {"serverTiming": true, "traceId": "x-trace-id",
        "requestId": true, "filter": {"match": [{"source": {"ip": "10.0.0.0/8"}}]}}}"#;

/// A caller's sampled trace context.
pub(super) const CONTEXT: [(&str, &str); 2] = [
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("tracestate", "a=1,bad member"),
];

/// Returns the headers of a request whose path is `/<number>/stream`.
pub(super) fn request<'a>(path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let pseudo =
        [(":method", "POST"), (":path", path), (":authority", "shop"), (":scheme", "http")];
    pseudo.iter().chain(more).copied().collect()
}

/// Carries a request without bodies through a worker. Returns its last state.
pub(super) fn serve(worker: &mut Meter, path: &str, more: &[(&str, &str)]) -> StreamState {
    let stream = worker.request(&request(path, more));
    worker.respond(stream, 200);
    worker.end(stream)
}

/// Delivers the response of the collector to each call of a worker. Returns the calls.
pub(super) fn answer(
    proxy: &Proxy,
    worker: &mut Meter,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<HttpCall> {
    let calls = worker.calls();
    let sent = proxy.calls().into_iter().filter(|(id, _)| calls.contains(id));
    let sent = sent.map(|(_, call)| call).collect();
    calls.into_iter().for_each(|call| worker.answer(call, headers, body));
    sent
}

/// A gRPC call with two messages in each direction.
fn grpc_call(worker: &mut Meter, path: &str, more: &[(&str, &str)]) -> StreamState {
    let headers = request(path, &[&[("content-type", "application/grpc")], more].concat());
    let stream = worker.open(headers.into_iter().collect(), false);
    worker.request_body(stream, &[0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0], true);
    worker.response_headers(stream, &[(":status", "200"), ("x-size", "3")], false);
    worker.response_body(stream, &[0, 0, 0, 0, 0, 0, 0], false);
    worker.response_body(stream, &[0, 0, 0], false);
    worker.response_trailers(stream, &[("grpc-status", "0")]);
    worker.end(stream)
}

/// Streams that end in each way: completely, with an error, without a response, and unseen.
fn each_ending(proxy: &Proxy, document: &str) -> Outcome {
    proxy.set_property("xds.listener_direction", &1_u64.to_le_bytes());
    proxy.set_property("response.headers.x-size", b"3");
    proxy.set_property("request.duration", &7_000_000_u64.to_le_bytes());
    let mut worker = start(proxy, document);
    let mut streams = vec![grpc_call(&mut worker, "/1/stream", &[("x-tenant", "a")])];
    let stream = worker.request(&request("/2/stream", &[("x-tenant", "b")]));
    worker.response_headers(stream, &[(":status", "500"), ("x-size", "big")], false);
    streams.push(worker.end(stream));
    let stream = worker.open(request("/3/stream", &[]).into_iter().collect(), false);
    streams.push(worker.leave(stream));
    let refused = [(":status", "401")].into_iter().collect();
    let stream = worker.answered_earlier(request("/4/stream", &[]).into_iter().collect(), refused);
    streams.push(worker.end(stream));
    worker.advance(SECOND);
    drop(worker);
    Outcome::new(proxy, streams, Vec::new())
}

pub(super) fn unlabelled(proxy: &Proxy) -> Outcome {
    each_ending(proxy, "{}")
}

pub(super) fn labelled(proxy: &Proxy) -> Outcome {
    each_ending(proxy, LABELLED)
}

/// Spans that a collector refuses at first and rejects in part later, and a new configuration.
pub(super) fn traced(proxy: &Proxy) -> Outcome {
    proxy.add_cluster("collector");
    let mut old = start(proxy, TRACED);
    let user: &[(&str, &str)] = &[("x-user", "alice")];
    let mut streams = vec![serve(&mut old, "/1/stream", &[user, &CONTEXT].concat())];
    old.advance(TICK);
    let mut exports = answer(proxy, &mut old, &[(":status", "503")], b"");
    streams.push(serve(&mut old, "/2/stream", user));
    let mut new = start(proxy, &TRACED.replace("100", "99.99"));
    drop(old);
    streams.push(serve(&mut new, "/3/stream", user));
    new.advance(TICK);
    // One item is rejected, with the message `no`.
    let rejected = [0, 0, 0, 0, 8, 10, 6, 8, 1, 18, 2, b'n', b'o'];
    let accepted = [(":status", "200"), ("grpc-status", "0")];
    exports.extend(answer(proxy, &mut new, &accepted, &rejected));
    new.advance(SECOND);
    drop(new);
    Outcome::new(proxy, streams, exports)
}

pub(super) fn restarted(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, RESTARTED);
    let streams = vec![serve(&mut worker, "/1/stream", &CONTEXT)];
    drop(worker);
    Outcome::new(proxy, streams, Vec::new())
}

/// Logged streams of a client whose identity is known.
pub(super) fn logged(proxy: &Proxy) -> Outcome {
    proxy.set_property("weir.jwt", br#"{"claims": {"sub": "alice"}}"#);
    let mut worker = start(proxy, LOGGED);
    let mut streams = vec![serve(&mut worker, "/1/stream", &[("x-user", "alice")])];
    let stream = worker.request(&request("/2/stream", &[]));
    streams.push(worker.leave(stream));
    worker.advance(TICK);
    proxy.add_cluster("collector");
    worker.advance(SECOND);
    let exports = answer(proxy, &mut worker, &[(":status", "200")], b"");
    worker.advance(SECOND);
    drop(worker);
    Outcome::new(proxy, streams, exports)
}

pub(super) fn response_headers(proxy: &Proxy) -> Outcome {
    proxy.set_property("source.address", b"10.0.0.1:80");
    let mut worker = start(proxy, RESPONSE_HEADERS);
    let stream = worker.request(&request("/1/stream", &[("x-request-id", "id-1")]));
    proxy.pass(Duration::from_millis(2));
    worker.respond(stream, 200);
    let streams = vec![worker.end(stream)];
    worker.advance(SECOND);
    drop(worker);
    Outcome::new(proxy, streams, Vec::new())
}
