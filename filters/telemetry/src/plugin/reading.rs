//! What is read of a stream that has ended.

use std::time::{Duration, Instant};

use filter_host::{
    headers::{self, Map},
    property,
};

use super::{
    Telemetry,
    attributes::{Seen, View},
};
use crate::{Ending, Method, Record, Target};

/// What the callbacks of a stream saw of it.
#[derive(Clone, Copy, Default)]
pub(super) struct Passed {
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    /// Whether the request has a body or may get one.
    pub(super) has_body: bool,
    /// Whether the response has trailers.
    pub(super) has_trailers: bool,
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
    let status = status();
    Record {
        status,
        grpc_status: grpc_status(status, passed),
        duration: duration(passed, ended),
        request_bytes: passed.request_bytes,
        response_bytes: passed.response_bytes,
        method: method(passed, seen),
        operation: seen.operation,
        ending: ending(status, passed),
        request_messages: seen.messages.as_ref().map_or(0, |it| it.request.count()),
        response_messages: seen.messages.as_ref().map_or(0, |it| it.response.count()),
    }
}

/// Takes the time by the clock: the proxy's own figure costs 3 us.
fn duration(passed: &Passed, ended: Instant) -> Duration {
    let proxy = || Duration::from_nanos(number(&["request", "duration"]).unwrap_or_default());
    passed.began.map_or_else(proxy, |began| ended.saturating_duration_since(began))
}

fn status() -> Option<u16> {
    let header = headers::value(Map::ResponseHeaders, ":status").ok().flatten();
    let header = header.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
    // A reply of the codec has no headers here.
    let code = || number(&["response", "code"]).and_then(|code| u16::try_from(code).ok());
    header.or_else(code).filter(|status| *status != 0)
}

/// Reads the gRPC status from the trailers, or from the headers of a response of trailers only.
fn grpc_status(status: Option<u16>, passed: &Passed) -> Option<u32> {
    status.filter(|status| *status == 200)?;
    let map = match passed {
        Passed { has_trailers: true, .. } => Map::ResponseTrailers,
        Passed { response_bytes: 0, .. } => Map::ResponseHeaders,
        _ => return None,
    };
    let text = headers::value(map, "grpc-status").ok()??;
    std::str::from_utf8(&text).ok()?.parse().ok()
}

/// Reads the method, where nothing has and it tells a tunnel from a request.
fn method(passed: &Passed, seen: &Seen) -> Method {
    if seen.method != Method::Other || !passed.has_body {
        return seen.method;
    }
    let method = headers::value(Map::RequestHeaders, ":method").ok().flatten();
    method.map(|method| Method::from_bytes(&method)).unwrap_or_default()
}

fn ending(status: Option<u16>, passed: &Passed) -> Ending {
    if passed.has_ended || (passed.began.is_none() && status.is_some()) {
        return Ending::Complete;
    }
    flags().map(Ending::from_flags).unwrap_or_default()
}

/// Reads Envoy's response flags.
pub(super) fn flags() -> Option<u64> {
    number(&["response", "flags"])
}

fn number(path: &[&str]) -> Option<u64> {
    property::read(path).ok().flatten()?.try_into().ok().map(u64::from_le_bytes)
}
