//! The record of a completed stream.

use std::time::Duration;

pub use filter_core::Ending;
use filter_core::{Request, ResponseOutcome};

mod method;

use crate::expression::Attributes;
pub use crate::stream::record::method::Method;

/// The facts about a completed stream that every signal uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record {
    /// The request method; [`Method::Other`] if it was not read.
    pub method: Method,
    /// Index of the operation name; `None` if no operation matches.
    pub operation: Option<usize>,
    /// The status that was sent downstream; `None` without a response.
    pub status: Option<u16>,
    /// The gRPC status; `None` for other requests.
    pub grpc_status: Option<u32>,
    /// Time from the first byte of the request to the last of the response.
    pub duration: Duration,
    /// Request body size, in bytes.
    pub request_bytes: u64,
    /// Response body size, in bytes.
    pub response_bytes: u64,
    /// Number of gRPC request messages; 0 if they are not counted.
    pub request_messages: u64,
    /// Number of gRPC response messages; 0 if they are not counted.
    pub response_messages: u64,
    /// How the stream ended.
    pub ending: Ending,
}

/// A completed stream: its record, and access to everything else.
#[derive(Clone, Copy)]
pub struct CompletedStream<'a> {
    /// The record.
    pub record: &'a Record,
    /// The attributes.
    pub attributes: &'a dyn Attributes,
    /// The parts of the request that `match` filters need.
    pub request: &'a Request,
}

impl Record {
    /// Returns the duration in whole milliseconds, as Istio reports it.
    #[must_use]
    pub fn millis(&self) -> u64 {
        u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns `true` if the response can have flags: it is incomplete, or an error that the proxy
    /// may have generated.
    ///
    /// A fault injection delay alone (`DI`) is not detected.
    #[must_use]
    pub fn may_have_flags(&self) -> bool {
        self.ending != Ending::Complete || self.status.is_none_or(|status| status >= 400)
    }

    /// Returns `true` if the stream became a tunnel: a protocol upgrade or an accepted CONNECT.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        let accepted = self.status.is_some_and(|status| (200..300).contains(&status));
        self.status == Some(101) || (self.method == Method::Connect && accepted)
    }

    /// Returns `true` if the client disconnected before the end of the response.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.outcome().is_abandoned()
    }

    /// Returns `true` if the stream is an error by default: status 500 or above, a server-side gRPC
    /// status, or an incomplete response.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.outcome().is_error()
    }

    fn outcome(&self) -> ResponseOutcome {
        ResponseOutcome {
            status: self.status,
            grpc_status: self.grpc_status,
            ending: self.ending,
            is_tunnel: self.is_tunnel(),
        }
    }
}

#[cfg(test)]
mod tests;
