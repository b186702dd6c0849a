//! What is known of a stream when it has ended.

use std::time::Duration;

pub use filter_core::Ending;
use filter_core::ResponseOutcome;

mod method;

pub use crate::stream::record::method::Method;

/// A stream that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record {
    /// The request's method; [`Method::Other`] where nothing asks for it.
    pub method: Method,
    /// The place of its operation among those of the document; `None` where none fits.
    pub operation: Option<usize>,
    /// The status that was sent downstream; `None` without a response.
    pub status: Option<u16>,
    /// The status of a gRPC call; `None` for other requests.
    pub grpc_status: Option<u32>,
    /// From the first byte of the request to the last of the response.
    pub duration: Duration,
    /// Bytes of the request's body that passed the filter.
    pub request_bytes: u64,
    /// Bytes of the response's body that passed the filter.
    pub response_bytes: u64,
    /// Messages of a gRPC request; 0 where nothing counts them.
    pub request_messages: u64,
    /// Messages of a gRPC response; 0 where nothing counts them.
    pub response_messages: u64,
    /// How it ended.
    pub ending: Ending,
}

impl Record {
    /// Returns the duration in whole milliseconds, as Istio reports it.
    #[must_use]
    pub fn millis(&self) -> u64 {
        u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX)
    }

    /// Says whether the proxy may have flagged the response: it gave it itself, or it is not whole.
    ///
    /// A flag for a delay alone, which fault injection sets, is not looked for.
    #[must_use]
    pub fn may_have_flags(&self) -> bool {
        self.ending != Ending::Complete || self.status.is_none_or(|status| status >= 400)
    }

    /// Says whether the stream became a tunnel: a WebSocket, or the answer to CONNECT.
    #[must_use]
    pub fn is_upgraded(&self) -> bool {
        let accepted = self.status.is_some_and(|status| (200..300).contains(&status));
        self.status == Some(101) || (self.method == Method::Connect && accepted)
    }

    /// Says whether the client left before it had everything, which is nobody's error.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.outcome().is_abandoned()
    }

    /// Says whether the stream is an error where the document says nothing else: status 500 and
    /// above, a gRPC status that blames the server, or a response that is not whole.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.outcome().is_error()
    }

    fn outcome(&self) -> ResponseOutcome {
        ResponseOutcome {
            status: self.status,
            grpc_status: self.grpc_status,
            ending: self.ending,
            is_tunnel: self.is_upgraded(),
        }
    }
}

#[cfg(test)]
mod tests;
