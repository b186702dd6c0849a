//! The state of a stream in the proxy.

use std::collections::BTreeMap;

use filter_core::Headers;

use crate::sys::{Direction, Map};

/// The state of a stream.
#[derive(Clone, Debug, Default)]
pub struct StreamState {
    /// The header maps that exist so far.
    pub(super) maps: BTreeMap<Map, Headers>,
    /// Properties that were set by the test or by the plugin, by path with dots.
    pub(super) properties: BTreeMap<String, Vec<u8>>,
    /// `true` while a callback has paused the request.
    pub is_request_paused: bool,
    /// `true` while a callback has paused the response.
    pub is_response_paused: bool,
    /// The direction in which the plugin reset the stream.
    pub reset: Option<Direction>,
    /// The local reply that the plugin sent.
    pub reply: Option<LocalReply>,
    /// The response body as changed by the plugin.
    pub response_body: Vec<u8>,
    /// The number of resumptions in each direction.
    pub resumptions: [usize; 2],
}

/// A local reply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalReply {
    /// The HTTP status.
    pub status: u16,
    /// The response code details.
    pub details: String,
    /// Headers, without `:status`.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// The gRPC status; -1 if the proxy derives it from the HTTP status.
    pub grpc_status: i32,
}

impl StreamState {
    /// Returns the headers of the request, as changed by the plugin.
    #[must_use]
    pub fn request(&self) -> Headers {
        self.map(Map::RequestHeaders)
    }

    /// Returns the headers of the response, as changed by the plugin.
    #[must_use]
    pub fn response(&self) -> Headers {
        self.map(Map::ResponseHeaders)
    }

    /// Returns the first value of a request header as text.
    #[must_use]
    pub fn request_header(&self, name: &str) -> Option<String> {
        text(&self.request(), name)
    }

    /// Returns the first value of a response header as text.
    #[must_use]
    pub fn response_header(&self, name: &str) -> Option<String> {
        text(&self.response(), name)
    }

    /// Returns a header map; empty if it does not exist.
    #[must_use]
    pub fn map(&self, map: Map) -> Headers {
        self.maps.get(&map).cloned().unwrap_or_default()
    }

    /// Returns a property that the plugin or the test wrote, by its path with dots.
    #[must_use]
    pub fn property(&self, path: &str) -> Option<&[u8]> {
        self.properties.get(path).map(Vec::as_slice)
    }

    /// Returns `true` if the request reaches the upstream.
    #[must_use]
    pub const fn is_forwarded(&self) -> bool {
        !self.is_request_paused && self.reply.is_none() && self.reset.is_none()
    }

    /// Returns a property; the status is that of the response, and the flags are 0 by default.
    pub(super) fn read_property(&self, path: &str) -> Option<Vec<u8>> {
        let number = |number: u64| Some(number.to_le_bytes().to_vec());
        self.properties.get(path).cloned().or_else(|| match path {
            "response.code" => number(self.response().number(":status")?),
            "response.flags" => number(0),
            _ => None,
        })
    }

    pub(super) const fn paused(&mut self, direction: Direction) -> &mut bool {
        match direction {
            Direction::Request => &mut self.is_request_paused,
            Direction::Response => &mut self.is_response_paused,
        }
    }
}

fn text(headers: &Headers, name: &str) -> Option<String> {
    headers.first(name).map(|value| String::from_utf8_lossy(value).into_owned())
}
