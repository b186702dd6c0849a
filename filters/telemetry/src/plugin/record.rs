//! The snapshot of a request, and the record of a completed stream.

use std::time::Duration;

use filter_host::{
    headers::{self, Map},
    outcome, property,
};

use super::{
    Telemetry,
    attributes::{RequestSnapshot, StreamAttributes},
};
use crate::{Method, Record, RequestTarget};

/// Body sizes and events that the callbacks of a stream have seen.
#[derive(Clone, Copy, Default)]
pub(super) struct StreamCounters {
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    /// Whether the request has a body or can still get one.
    pub(super) has_request_body: bool,
    /// Whether the end of the response was seen.
    pub(super) is_response_complete: bool,
    /// When the request headers were seen; `None` if they never were.
    pub(super) started_at: Option<Duration>,
}

impl Telemetry {
    /// Captures the parts of the request that the policy needs.
    pub(super) fn snapshot(&self) -> RequestSnapshot {
        let mut snapshot = RequestSnapshot::new(self);
        if let Some(reader) = &self.reader {
            // An unreadable request matches no condition.
            snapshot.request = reader.read().unwrap_or_default();
            let header = |name| snapshot.request.headers.first(name).unwrap_or_default();
            let (method, path, host) = (header(":method"), header(":path"), header(":authority"));
            let target = RequestTarget { path, method, host };
            snapshot.operation = self.policy.operations().find(&target);
            snapshot.method = Method::from_bytes(method);
        }
        StreamAttributes::of_request(self, &snapshot).capture_early();
        snapshot
    }
}

/// Reads the record of a stream that has just ended.
pub(super) fn read(
    counters: &StreamCounters,
    snapshot: &RequestSnapshot,
    ended: Duration,
) -> Record {
    // If the request was never seen, the response was complete before this filter ran.
    let is_end_seen = counters.is_response_complete || counters.started_at.is_none();
    let outcome = outcome::read(is_end_seen);
    let messages = snapshot.messages.as_ref();
    Record {
        status: outcome.status,
        grpc_status: outcome.grpc_status,
        duration: duration(counters, ended),
        request_bytes: counters.request_bytes,
        response_bytes: counters.response_bytes,
        method: method(counters, snapshot),
        operation: snapshot.operation,
        ending: outcome.ending,
        request_messages: messages.map_or(0, |messages| messages.request.count()),
        response_messages: messages.map_or(0, |messages| messages.response.count()),
    }
}

/// Measures the duration with the clock, as reading the proxy's own costs 3 us.
fn duration(counters: &StreamCounters, ended: Duration) -> Duration {
    let of_proxy =
        || Duration::from_nanos(property::number(&["request", "duration"]).unwrap_or_default());
    counters.started_at.map_or_else(of_proxy, |start| ended.saturating_sub(start))
}

/// Returns the method, and reads it if it is needed to detect a CONNECT tunnel.
fn method(counters: &StreamCounters, snapshot: &RequestSnapshot) -> Method {
    if snapshot.method != Method::Other || !counters.has_request_body {
        return snapshot.method;
    }
    let method = headers::value(Map::RequestHeaders, ":method").ok().flatten();
    method.map(|method| Method::from_bytes(&method)).unwrap_or_default()
}

/// Reads Envoy's response flags.
pub(super) fn response_flags() -> Option<u64> {
    property::number(&["response", "flags"])
}

/// Reads the body sizes of a stream whose callbacks never ran.
pub(super) fn read_sizes(counters: &mut StreamCounters) {
    counters.request_bytes = property::number(&["request", "size"]).unwrap_or_default();
    counters.response_bytes = property::number(&["response", "size"]).unwrap_or_default();
}
