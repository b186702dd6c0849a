//! What an answer means for the batch that it answers.

use std::time::{Duration, SystemTime};

use filter_core::{GrpcStatus, Headers, percent_decode};

use super::{Failure, Protocol};
use crate::export::otlp::{Rejection, on_one_line, retry_delay};

/// What came back for a request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The headers; empty where nobody answered.
    pub headers: Headers,
    /// The first 4 KiB of the body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
}

/// What becomes of the items in a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// They are the collector's, perhaps but for some.
    Taken(Option<Rejection>),
    /// They may be sent again, after what the server asked for.
    Retry(Failure, Option<Duration>),
    /// They are lost, and the text says why.
    Refused(String),
}

impl Outcome {
    /// Reads an answer; `wall` is the time of day, for dates in it.
    #[must_use]
    pub fn of(answer: &Answer, protocol: &Protocol, wall: SystemTime) -> Self {
        let Some(status) = answer.headers.number(":status") else {
            return Self::Retry(Failure::Unavailable, None);
        };
        let asked = || answer.headers.first("retry-after").and_then(|it| retry_after(it, wall));
        match (status, protocol) {
            (200, Protocol::Grpc) => Self::of_grpc(answer),
            (200, Protocol::Http { .. }) => Self::Taken(Rejection::read(&answer.body)),
            (429, _) => Self::Retry(Failure::Throttled, asked()),
            (502 | 503, _) => Self::Retry(Failure::Unavailable, asked()),
            (504, _) => Self::Retry(Failure::Timeout, asked()),
            _ => Self::Refused(format!("status {status}: {}", on_one_line(&answer.body))),
        }
    }

    fn of_grpc(answer: &Answer) -> Self {
        // An answer without a message has its status among the headers.
        let field = |name| answer.trailers.first(name).or_else(|| answer.headers.first(name));
        let number = |headers: &Headers| headers.number("grpc-status");
        let number = number(&answer.trailers).or_else(|| number(&answer.headers));
        let Some(status) = number.and_then(GrpcStatus::from_code) else {
            return Self::Refused("not an answer of gRPC".to_owned());
        };
        let asked = field("grpc-status-details-bin").and_then(retry_delay);
        match status {
            GrpcStatus::Ok => Self::Taken(message(&answer.body).and_then(Rejection::read)),
            GrpcStatus::ResourceExhausted if asked.is_some() => {
                Self::Retry(Failure::Throttled, asked)
            }
            GrpcStatus::DeadlineExceeded => Self::Retry(Failure::Timeout, asked),
            GrpcStatus::Cancelled
            | GrpcStatus::Aborted
            | GrpcStatus::OutOfRange
            | GrpcStatus::Unavailable
            | GrpcStatus::DataLoss => Self::Retry(Failure::Unavailable, asked),
            _ => {
                let text = percent_decode(field("grpc-message").unwrap_or_default());
                Self::Refused(format!("{}: {}", status.name(), on_one_line(&text)))
            }
        }
    }
}

/// Reads seconds or a date (RFC 9110 section 10.2.3).
fn retry_after(text: &[u8], wall: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(wall).unwrap_or_default())
}

/// Returns the message in gRPC's frame, as far as it is there and not compressed.
fn message(body: &[u8]) -> Option<&[u8]> {
    let ([compressed, ..], message) = body.split_first_chunk::<5>()?;
    (*compressed == 0).then_some(message)
}

#[cfg(test)]
mod tests;
