//! The record of a completed stream.

use std::{cell::Cell, time::Duration};

use filter_core::{EndedStream, ResponseOutcome};
use filter_host::{
    headers::{self, Map},
    property,
};

use super::snapshot::RequestSnapshot;
use crate::{Method, Record, stream::progress::Progress};

/// Reads the record of a stream that has just ended.
pub(super) fn read(progress: &Progress, snapshot: &RequestSnapshot, ended: Duration) -> Record {
    let stream = Ended { progress, status: Cell::new(None), method: Cell::new(snapshot.method) };
    let outcome = ResponseOutcome::read(&stream, progress.is_response_complete());
    let messages = snapshot.messages.as_ref();
    Record {
        status: outcome.status,
        grpc_status: outcome.grpc_status,
        duration: duration(progress, ended),
        request_bytes: progress.request_bytes,
        response_bytes: progress.response_bytes,
        method: stream.method(outcome.status),
        operation: snapshot.operation,
        ending: outcome.ending,
        request_messages: messages.map_or(0, |messages| messages.request.count()),
        response_messages: messages.map_or(0, |messages| messages.response.count()),
    }
}

/// Measures the duration with the clock, as reading the proxy's own costs 3 us.
fn duration(progress: &Progress, ended: Duration) -> Duration {
    let of_proxy =
        || Duration::from_nanos(property::number(&["request", "duration"]).unwrap_or_default());
    progress.started_at.map_or_else(of_proxy, |start| ended.saturating_sub(start))
}

/// Reads Envoy's response flags.
pub(super) fn response_flags() -> Option<u64> {
    property::number(&["response", "flags"])
}

/// Reads the body sizes of a stream whose callbacks never ran.
pub(super) fn read_sizes(progress: &mut Progress) {
    progress.request_bytes = property::number(&["request", "size"]).unwrap_or_default();
    progress.response_bytes = property::number(&["response", "size"]).unwrap_or_default();
}

/// The stream that has ended, of which only values are read that its progress leaves open.
struct Ended<'a> {
    progress: &'a Progress,
    /// The status, once the response headers were read.
    status: Cell<Option<u16>>,
    /// The method, once it is known.
    method: Cell<Option<Method>>,
}

impl Ended<'_> {
    /// Returns the method; [`Method::Other`] if it was not captured and the stream is not a tunnel.
    fn method(&self, status: Option<u16>) -> Method {
        if self.method.get().is_none() && self.progress.may_be_tunnel(status) {
            let read = value(Map::RequestHeaders, ":method").unwrap_or_default();
            self.method.set(Some(Method::from_bytes(&read)));
        }
        self.method.get().unwrap_or_default()
    }
}

impl EndedStream for Ended<'_> {
    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            ":method" => Some(self.method(self.status.get()).as_str().into()),
            "content-type" if !self.progress.may_be_grpc(self.status.get()) => None,
            _ => value(Map::RequestHeaders, name),
        }
    }

    fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        let value = value(Map::ResponseHeaders, name)?;
        if name == ":status" {
            self.status.set(std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok()));
        }
        Some(value)
    }

    fn response_trailer(&self, name: &str) -> Option<Vec<u8>> {
        value(Map::ResponseTrailers, name)
    }

    fn response_code(&self) -> Option<u64> {
        let code = property::number(&["response", "code"]);
        self.status.set(code.and_then(|code| u16::try_from(code).ok()));
        code
    }

    fn response_flags(&self) -> Option<u64> {
        response_flags()
    }
}

fn value(map: Map, name: &str) -> Option<Vec<u8>> {
    headers::value(map, name).ok().flatten()
}
