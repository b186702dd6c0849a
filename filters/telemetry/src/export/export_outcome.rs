//! The meaning of a collector's response for the batch that was sent.

use std::time::{Duration, SystemTime};

use filter_core::{GrpcStatus, Headers, grpc};

use super::{Failure, Protocol};
use crate::export::otlp::{PartialSuccess, printable_line, retry_delay};

/// The response to an export request.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The headers; empty if the collector did not respond.
    pub headers: Headers,
    /// The first 4 KiB of the body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
}

/// The outcome of an export request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ExportOutcome {
    /// The collector accepted the items, or part of them.
    Accepted(Option<PartialSuccess>),
    /// The request can be retried, after the delay that the server requested if any.
    Retry(Failure, Option<Duration>),
    /// The items are dropped, for this reason.
    Refused(String),
}

impl ExportOutcome {
    /// Reads a response; `wall` is the wall-clock time, for a date in `retry-after`.
    #[must_use]
    pub fn from_response(response: &Response, protocol: &Protocol, wall: SystemTime) -> Self {
        let Some(status) = response.headers.number(":status") else {
            return Self::Retry(Failure::Unavailable, None);
        };
        let retry_after = || {
            let value = response.headers.first("retry-after");
            value.and_then(|value| retry_after(value, wall))
        };
        match (status, protocol) {
            (200, Protocol::Grpc) => Self::from_grpc(response),
            (200, Protocol::Http { .. }) => Self::Accepted(PartialSuccess::decode(&response.body)),
            (429, _) => Self::Retry(Failure::Throttled, retry_after()),
            (502 | 503, _) => Self::Retry(Failure::Unavailable, retry_after()),
            (504, _) => Self::Retry(Failure::Timeout, retry_after()),
            _ => Self::Refused(format!("status {status}: {}", printable_line(&response.body))),
        }
    }

    fn from_grpc(response: &Response) -> Self {
        let reply = grpc::GrpcResponse { headers: &response.headers, trailers: &response.trailers };
        let Some(status) = reply.status() else {
            return Self::Refused("not a gRPC response".to_owned());
        };
        let retry_after = reply.field("grpc-status-details-bin").and_then(retry_delay);
        match status {
            GrpcStatus::Ok => {
                Self::Accepted(grpc::message(&response.body).and_then(PartialSuccess::decode))
            }
            GrpcStatus::ResourceExhausted if retry_after.is_some() => {
                Self::Retry(Failure::Throttled, retry_after)
            }
            GrpcStatus::DeadlineExceeded => Self::Retry(Failure::Timeout, retry_after),
            GrpcStatus::Cancelled
            | GrpcStatus::Aborted
            | GrpcStatus::OutOfRange
            | GrpcStatus::Unavailable
            | GrpcStatus::DataLoss => Self::Retry(Failure::Unavailable, retry_after),
            GrpcStatus::Unknown
            | GrpcStatus::InvalidArgument
            | GrpcStatus::NotFound
            | GrpcStatus::AlreadyExists
            | GrpcStatus::PermissionDenied
            | GrpcStatus::ResourceExhausted
            | GrpcStatus::FailedPrecondition
            | GrpcStatus::Unimplemented
            | GrpcStatus::Internal
            | GrpcStatus::Unauthenticated => {
                let text = printable_line(&reply.message());
                Self::Refused(format!("{}: {text}", status.name()))
            }
        }
    }
}

/// Parses `retry-after`: seconds or a date (RFC 9110 section 10.2.3).
fn retry_after(value: &[u8], wall: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(wall).unwrap_or_default())
}

#[cfg(test)]
mod tests;
