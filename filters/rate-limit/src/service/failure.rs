//! Calls without an answer.

use std::fmt;

use filter_core::GrpcStatus;

/// The reason why a call of the service has no answer.
///
/// Its text contains no bytes from the service, which may repeat a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ServiceFailure {
    /// The proxy has no cluster of this name, so nothing was sent.
    UnknownCluster,
    /// Nothing was sent, because the service failed before.
    Paused,
    /// The service did not respond.
    Unavailable,
    /// The service did not respond in time.
    Timeout,
    /// An HTTP status other than 200.
    Http(u16),
    /// A gRPC status other than OK.
    Refused(GrpcStatus),
    /// The response is not that of a rate-limit service.
    Malformed,
}

impl fmt::Display for ServiceFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCluster => out.write_str("unknown cluster"),
            Self::Paused => out.write_str("not called after failures"),
            Self::Unavailable => out.write_str("unavailable"),
            Self::Timeout => out.write_str("timeout"),
            Self::Http(status) => write!(out, "HTTP status {status}"),
            Self::Refused(status) => write!(out, "gRPC status {}", status.name()),
            Self::Malformed => out.write_str("malformed response"),
        }
    }
}

impl std::error::Error for ServiceFailure {}
