//! Scenarios that together make every host call of the filter.

use std::time::Duration;

use filter_host::memory::Proxy;

use super::{
    exchange::{EMPTY, Fate, HELLO, Response, exchange},
    outcome::Outcome,
    start,
};

/// A delay and an abort of the request, with every limit and a schedule.
const DELAYED_ABORT: &str = r#"{
    "maxFaultsPerSecond": 10, "maxActiveFaults": 2, "markHeader": "x-fault",
    "successCriteria": {"maxErrorRate": {"value": 50}, "minRequestCount": 1},
    "schedule": {"startsAt": "2025-01-01T00:00:00Z", "expiresAt": "2035-01-01T00:00:00Z"},
    "http": [{"name": "x", "match": [{"headers": {"x-a": {}}}], "fault": {
        "delay": {"percentage": {"value": 100}, "fixedDelay": "100ms"},
        "abort": {"percentage": {"value": 100}, "httpStatus": 503}}}]}"#;

/// Every change to a response that keeps the stream, after a delay.
const CHANGED_RESPONSE: &str = r#"{"markHeader": "x-fault", "metrics": {"labels": true},
    "http": [{"name": "x", "fault": {
        "delay": {"percentage": {"value": 100}, "fixedDelay": "100ms", "phase": "RESPONSE"},
        "response": {"percentage": {"value": 100}, "httpStatus": 418, "body": {"string": "other"},
            "headers": {"response": {
                "remove": ["server"], "set": {"x-set": "1"}, "add": {"x-add": "1"}}}}}}]}"#;

/// A truncated body with a rate limit.
const SLOW_BODY: &str = r#"{"http": [{"name": "x", "fault": {
    "response": {"percentage": {"value": 100}, "httpStatus": 206, "truncateAfter": 7},
    "responseRateLimit": {"percentage": {"value": 100}, "fixedLimit": {"limitKbps": 1}}}}]}"#;

/// Resets and replies, by path.
const ENDINGS: &str = r#"{"http": [
    {"name": "reset", "match": [{"uri": {"exact": "/reset"}}],
     "fault": {"abort": {"percentage": {"value": 100}, "reset": {}}}},
    {"name": "late", "match": [{"uri": {"exact": "/late"}}],
     "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": "10ms", "phase": "RESPONSE"},
               "abort": {"percentage": {"value": 100}, "reset": {}, "phase": "RESPONSE"}}},
    {"name": "reply", "match": [{"uri": {"exact": "/reply"}}],
     "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 502, "phase": "RESPONSE"}}},
    {"name": "cut", "match": [{"uri": {"exact": "/cut"}}],
     "fault": {"response": {"percentage": {"value": 100}, "resetAfter": 7}}}]}"#;

/// A delay of requests by a key, in one slot, with a budget.
const LIMITS: &str = r#"{"maxActiveFaults": 1, "maxFaultsPerSecond": 2, "http": [
    {"name": "x", "consistentHash": {"httpHeaderName": "x-user"},
     "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": "1s"}}}]}"#;

const DRY_RUN: &str = r#"{"dryRun": true, "http": [{"name": "x", "fault": {
    "delay": {"percentage": {"value": 100}, "fixedDelay": "1s"},
    "abort": {"percentage": {"value": 100}, "httpStatus": 503}}}]}"#;

/// An abort whose schedule begins after a second, and ends after two.
const SCHEDULED: &str = r#"{
    "http": [{"name": "x",
        "schedule": {"startsAt": "2026-01-01T00:00:01Z", "expiresAt": "2026-01-01T00:00:02Z"},
        "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 503}}}]}"#;

/// The default response with trailers.
const WITH_TRAILERS: Response = Response { trailers: &[("grpc-status", "0")], ..HELLO };

const FAILED: Response =
    Response { headers: &[(":status", "500")], chunks: &["oops"], trailers: &[] };

const SECOND: Duration = Duration::from_secs(1);

/// A request is delayed and aborted, and another one passes.
pub(super) fn delayed_abort(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, DELAYED_ABORT);
    let faulty = exchange(proxy, &mut worker, &[("x-a", "1")], HELLO);
    let other = exchange(proxy, &mut worker, &[], HELLO);
    drop(worker);
    Outcome::new(proxy, vec![("faulty", faulty), ("other", other)])
}

/// A response is delayed and changed.
pub(super) fn changed_response(proxy: &Proxy) -> Outcome {
    one(proxy, CHANGED_RESPONSE, &[], HELLO)
}

/// A response body is truncated and slowed down, and followed by trailers.
pub(super) fn slow_body(proxy: &Proxy) -> Outcome {
    one(proxy, SLOW_BODY, &[], WITH_TRAILERS)
}

/// Streams are reset and answered in both phases.
pub(super) fn endings(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, ENDINGS);
    let mut send = |path: &str, response| {
        exchange(proxy, &mut worker, &[(":path", path), ("x-a", "1")], response)
    };
    let fates = vec![
        ("reset", send("/reset", HELLO)),
        ("late", send("/late", HELLO)),
        ("reply", send("/reply", HELLO)),
        ("cut", send("/cut", HELLO)),
        ("cut without body", send("/cut", EMPTY)),
    ];
    drop(worker);
    Outcome::new(proxy, fates)
}

/// The first of three requests holds the only slot until its client leaves. Of two later requests,
/// one times out and the other is resumed.
pub(super) fn limits(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, LIMITS);
    let left = worker.request(&[("x-user", "a")]);
    let overflow = exchange(proxy, &mut worker, &[("x-user", "b")], HELLO);
    let budget = exchange(proxy, &mut worker, &[("x-user", "c")], HELLO);
    let left = fate_of(worker.leave(left));
    worker.advance(SECOND);
    let timeout = worker.request(&[]);
    worker.response_headers(timeout, &[(":status", "504")], true);
    let timeout = fate_of(worker.end(timeout));
    let resumed = exchange(proxy, &mut worker, &[("x-user", "d")], HELLO);
    drop(worker);
    let fates = vec![
        ("overflow", overflow),
        ("budget", budget),
        ("left", left),
        ("timeout", timeout),
        ("resumed", resumed),
    ];
    Outcome::new(proxy, fates)
}

/// A client that leaves, a success, and two errors that stop the faults; then a request that
/// matches.
pub(super) fn stopped(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, DELAYED_ABORT);
    let left = worker.request(&[]);
    worker.leave(left);
    let mut send = |headers: &[_], response| exchange(proxy, &mut worker, headers, response);
    let fates = vec![
        ("success", send(&[("content-type", "application/grpc")], WITH_TRAILERS)),
        ("error", send(&[], FAILED)),
        ("second error", send(&[], FAILED)),
        ("faulty", send(&[("x-a", "1")], HELLO)),
    ];
    drop(worker);
    Outcome::new(proxy, fates)
}

/// A request gets no fault in a dry run.
pub(super) fn dry_run(proxy: &Proxy) -> Outcome {
    one(proxy, DRY_RUN, &[], HELLO)
}

/// Requests before, during and after a schedule.
pub(super) fn scheduled(proxy: &Proxy) -> Outcome {
    let mut worker = start(proxy, SCHEDULED);
    let mut fates = Vec::new();
    for name in ["before", "during", "after", "later"] {
        fates.push((name, exchange(proxy, &mut worker, &[], HELLO)));
        proxy.pass(SECOND);
    }
    drop(worker);
    Outcome::new(proxy, fates)
}

fn one(proxy: &Proxy, document: &str, headers: &[(&str, &str)], response: Response) -> Outcome {
    let mut worker = start(proxy, document);
    let fate = exchange(proxy, &mut worker, headers, response);
    drop(worker);
    Outcome::new(proxy, vec![("stream", fate)])
}

/// Returns the end of an exchange whose stream ended during a hold.
fn fate_of(stream: filter_host::memory::StreamState) -> Fate {
    Fate { stream, upstream: None, hangs: false, time: Duration::ZERO }
}
