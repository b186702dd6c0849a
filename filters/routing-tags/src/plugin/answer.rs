//! What an application answered, as far as a guard wants to know.

use filter_core::GrpcStatus;
use filter_host::headers::{self, Map};

/// The outcome of an answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) grpc_status: Option<GrpcStatus>,
}

impl Answer {
    /// Reads it from the headers of the response at hand; gRPC may tell more in the trailers.
    pub(super) fn read() -> Self {
        let status = number(Map::ResponseHeaders, ":status");
        Self {
            status: status.and_then(|code| u16::try_from(code).ok()).unwrap_or(200),
            grpc_status: grpc_status(Map::ResponseHeaders),
        }
    }

    /// Reads what the trailers add.
    pub(super) fn read_trailers(&mut self) {
        self.grpc_status = grpc_status(Map::ResponseTrailers).or(self.grpc_status);
    }
}

fn grpc_status(map: Map) -> Option<GrpcStatus> {
    number(map, "grpc-status").and_then(GrpcStatus::from_code)
}

/// Reads a header that is a number.
fn number(map: Map, name: &str) -> Option<u64> {
    let text = headers::value(map, name).ok()??;
    str::from_utf8(&text).ok()?.parse().ok()
}
