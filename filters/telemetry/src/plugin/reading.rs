//! What is read of a stream that has ended.

use std::time::{Duration, Instant};

use filter_host::{
    headers::{self, Map},
    outcome, property,
};

use super::{
    Telemetry,
    attributes::{Seen, View},
};
use crate::{Method, Record, Target};

/// What the callbacks of a stream saw of it.
#[derive(Clone, Copy, Default)]
pub(super) struct Passed {
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    /// Whether the request has a body or may get one.
    pub(super) has_body: bool,
    /// Whether the end of the response was seen.
    pub(super) has_ended: bool,
    /// When the request's headers were seen; `None` where they never were.
    pub(super) began: Option<Instant>,
}

impl Telemetry {
    /// Reads of a request what the policy looks at.
    pub(super) fn look(&self) -> Seen {
        let mut seen = Seen::new(self);
        if let Some(reader) = &self.reader {
            // A request that cannot be read fulfils no condition.
            seen.request = reader.read().unwrap_or_default();
            let header = |name| seen.request.headers.first(name).unwrap_or_default();
            let (method, path, host) = (header(":method"), header(":path"), header(":authority"));
            seen.operation = self.policy.operations().find(&Target { path, method, host });
            seen.method = Method::from_bytes(method);
        }
        View { plugin: self, seen: &seen, is_error: false, record: None }.hold_fleeting();
        seen
    }
}

/// Reads what is still missing of a stream that has ended just now.
pub(super) fn record(passed: &Passed, seen: &Seen, ended: Instant) -> Record {
    // The response to an unseen request ended before this filter ran.
    let outcome = outcome::read(passed.has_ended || passed.began.is_none());
    Record {
        status: outcome.status,
        grpc_status: outcome.grpc_status,
        duration: duration(passed, ended),
        request_bytes: passed.request_bytes,
        response_bytes: passed.response_bytes,
        method: method(passed, seen),
        operation: seen.operation,
        ending: outcome.ending,
        request_messages: seen.messages.as_ref().map_or(0, |it| it.request.count()),
        response_messages: seen.messages.as_ref().map_or(0, |it| it.response.count()),
    }
}

/// Takes the time by the clock: the proxy's own figure costs 3 us.
fn duration(passed: &Passed, ended: Instant) -> Duration {
    let proxy =
        || Duration::from_nanos(property::number(&["request", "duration"]).unwrap_or_default());
    passed.began.map_or_else(proxy, |began| ended.saturating_duration_since(began))
}

/// Reads the method, where nothing has and it tells a tunnel from a request.
fn method(passed: &Passed, seen: &Seen) -> Method {
    if seen.method != Method::Other || !passed.has_body {
        return seen.method;
    }
    let method = headers::value(Map::RequestHeaders, ":method").ok().flatten();
    method.map(|method| Method::from_bytes(&method)).unwrap_or_default()
}

/// Reads Envoy's response flags.
pub(super) fn flags() -> Option<u64> {
    property::number(&["response", "flags"])
}

/// Reads the body sizes of a stream that never reached the callbacks.
pub(super) fn sizes(passed: &mut Passed) {
    passed.request_bytes = property::number(&["request", "size"]).unwrap_or_default();
    passed.response_bytes = property::number(&["response", "size"]).unwrap_or_default();
}
