//! The outcome of the current stream, once it has ended.

use filter_core::{EndedStream, ResponseOutcome};

use crate::{
    headers::{self, Map},
    property,
};

/// Reads the outcome of the current stream while the proxy logs it.
///
/// `is_end_seen` is `true` if a callback saw the last part of the response, which saves a host
/// call.
#[must_use]
pub fn read(is_end_seen: bool) -> ResponseOutcome {
    ResponseOutcome::read(&Current, is_end_seen)
}

/// The stream whose callback is running.
struct Current;

impl EndedStream for Current {
    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        value(Map::RequestHeaders, name)
    }

    fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        value(Map::ResponseHeaders, name)
    }

    fn response_trailer(&self, name: &str) -> Option<Vec<u8>> {
        value(Map::ResponseTrailers, name)
    }

    fn response_code(&self) -> Option<u64> {
        property::number(&["response", "code"])
    }

    fn response_flags(&self) -> Option<u64> {
        property::number(&["response", "flags"])
    }
}

fn value(map: Map, name: &str) -> Option<Vec<u8>> {
    headers::value(map, name).ok().flatten()
}
