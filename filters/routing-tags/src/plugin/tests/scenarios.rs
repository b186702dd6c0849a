//! Scenarios that together make every host call of the filter.

use std::time::Duration;

use filter_host::memory::Proxy;

use super::{outcome::Outcome, start};

/// All outputs for every request.
pub(super) const ALL_OUTPUTS: &str = r#"{
    "baggageKey": "weir-tag", "filterState": true, "explain": [{}],
    "headers": {
        "request": {"remove": ["x-gone"], "set": {"x-set": "%TAG%"}, "add": {"x-add": "%RULE%"}},
        "response": {"remove": ["server"], "set": {"cache-control": "no-store"}, "add": {"vary": "cookie"}}
    },
    "http": [
        {"name": "api", "split": [{"tag": "v1", "weight": 0}, {"tag": "v2", "weight": 1}],
         "consistentHash": {"httpCookie": {"name": "id", "ttl": "1h"}}},
        {"tagHeader": "x-second", "match": [{"headers": {"x-none": {}}}], "tag": "second"}
    ]}"#;

/// A canary of all requests, which the first error rolls back.
const CANARY: &str = r#"{"http": [{"name": "api", "canary": {
    "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2025-01-01T00:00:00Z",
    "initialWeight": 100, "increment": 1, "interval": "60s",
    "successCriteria": {"maxErrorRate": {"value": 0}, "minRequestCount": 1}}}]}"#;

/// Tag headers that are removed without reading the others, as no entry is active for two seconds.
pub(super) const INACTIVE: &str = r#"{"http": [
    {"schedule": {"startsAt": "2026-01-01T00:00:02Z"}, "tag": "v2"},
    {"schedule": {"startsAt": "2026-01-01T00:00:02Z"}, "tagHeader": "x-second", "tag": "v2"}]}"#;

/// Trust and conditions that read attributes.
const ATTRIBUTES: &str = r#"{
    "trustInbound": [{"source": {"ip": "10.0.0.0/8", "principal": {"exact": "spiffe://edge"}}}],
    "http": [
        {"match": [{"claims": {"sub": {"exact": "alice"}}}], "tag": "v2"},
        {"match": [{"attributes": {"xds.route_name": {"exact": "shop"}}}], "tag": "v3"},
        {"match": [{"headers": {"x-none": {}}}], "tagHeader": "x-second", "tag": "v4"}
    ]}"#;

pub(super) const DRY_RUN: &str = r#"{"dryRun": true, "filterState": true, "baggageKey": "weir-tag",
    "headers": {"response": {"set": {"x-served": "%TAG%"}}}, "http": [{"tag": "v2"}]}"#;

/// A dry run that does not read the tag headers.
pub(super) const UNREAD_DRY_RUN: &str = r#"{"dryRun": true}"#;

/// Request headers of a client that forges tags wherever it can.
pub(super) const FORGED: [(&str, &str); 6] = [
    (":path", "/"),
    ("x-weir-tag", "forged"),
    ("x-second", "forged"),
    ("baggage", "a=1,weir-tag=forged"),
    ("baggage", "b=2"),
    ("x-weir-explain", "1"),
];
pub(super) const FORGED_TRAILERS: [(&str, &str); 3] =
    [("x-weir-tag", "forged"), ("x-second", "forged"), ("baggage", "a=1,weir-tag=forged")];

/// A request whose client forges tags, with a response without a body.
pub(super) fn forged_request(proxy: &Proxy, document: &str) -> Outcome {
    let mut worker = start(proxy, document);
    let stream = worker.open(FORGED.into_iter().collect(), false);
    worker.request_trailers(stream, &FORGED_TRAILERS);
    worker.response_headers(stream, &[(":status", "200"), ("server", "x")], true);
    let stream = worker.end(stream);
    worker.advance(Duration::from_secs(3));
    drop(worker);
    Outcome::new(proxy, vec![stream])
}

/// A forged request whose attributes do not make its client trusted.
pub(super) fn attributes(proxy: &Proxy) -> Outcome {
    proxy.set_property("source.address", b"10.0.0.1:80");
    proxy.set_property("connection.uri_san_peer_certificate", b"spiffe://other");
    proxy.set_property("xds.route_name", b"shop");
    proxy.set_property("weir.jwt", br#"{"claims": {"sub": "bob"}}"#);
    forged_request(proxy, ATTRIBUTES)
}

/// A success, an error that rolls the canary back, and a request after that.
pub(super) fn rollback(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, CANARY);
    let streams = ["0", "14", "0"].map(|grpc_status| {
        let stream = worker.request(&[("content-type", "application/grpc")]);
        worker.response_headers(stream, &[(":status", "200")], false);
        worker.response_trailers(stream, &[("grpc-status", grpc_status)]);
        let stream = worker.end(stream);
        worker.advance(Duration::from_secs(1));
        stream
    });
    drop(worker);
    Outcome::new(proxy, streams.into())
}

/// Canaries whose responses have no headers, because the client or the proxy ended them.
pub(super) fn unanswered(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, CANARY);
    let left = worker.request(&[]);
    let lost = worker.request(&[]);
    let streams = vec![worker.leave(left), worker.end(lost)];
    drop(worker);
    Outcome::new(proxy, streams)
}
