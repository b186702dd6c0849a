//! Answers of the service.

use std::time::Duration;

use filter_core::{
    GrpcStatus, HeaderName, Headers,
    grpc::{self, GrpcResponse},
};

use super::{Rate, ServiceFailure};

mod decode;

/// Maximum length of a response body, in bytes; a longer one is malformed.
pub const MAX_ANSWER_LEN: usize = 64 * 1024;
/// Time until a window ends if the service does not report it.
const DEFAULT_RESET: Duration = Duration::from_secs(1);
/// Maximum time until a window ends; a longer one, such as a date, counts as not reported.
const MAX_RESET: Duration = Duration::from_hours(366 * 24);

/// The answer to one call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The decision on all descriptors together.
    ///
    /// It is independent of the statuses: in shadow mode a service answers OK although a descriptor
    /// is over its limit.
    pub code: Code,
    /// One status per descriptor of the call, in order; empty if the service sent none.
    pub statuses: Vec<Status>,
    /// Headers to add to the request; those that a filter must not edit are dropped.
    pub request_headers: Vec<(HeaderName, Vec<u8>)>,
    /// Headers to add to the response; those that a filter must not edit are dropped.
    pub response_headers: Vec<(HeaderName, Vec<u8>)>,
    /// Body of the response to a refused request; empty if there is none.
    pub raw_body: Vec<u8>,
}

/// A decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// The service did not decide; the request is admitted, as in Envoy.
    Unknown,
    /// Within the limit; the hits are counted.
    Ok,
    /// Over the limit; whether the hits are counted depends on the service.
    OverLimit,
}

/// The state of the count of one descriptor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Status {
    /// The decision on this descriptor.
    pub code: Code,
    /// Units left in the current window.
    pub limit_remaining: u32,
    /// Time until the current window ends; `None` if not reported or above 366 days.
    pub until_reset: Option<Duration>,
    /// The limit that applies; `None` if the service has none for the descriptor.
    pub limit: Option<Rate>,
}

impl Answer {
    /// Reads the response to a call with `asked` descriptors; no headers mean no response.
    ///
    /// A service may omit the statuses. If there are more or fewer than `asked`, they cannot be
    /// assigned: such an answer can refuse but not admit, and its statuses are dropped.
    ///
    /// # Errors
    ///
    /// Fails if the service did not respond, or the response is an error or malformed.
    pub fn read(
        headers: &Headers,
        body: &[u8],
        trailers: &Headers,
        asked: usize,
    ) -> Result<Self, ServiceFailure> {
        match headers.number(":status") {
            Some(200) => {}
            None | Some(502 | 503) => return Err(ServiceFailure::Unavailable),
            Some(504) => return Err(ServiceFailure::Timeout),
            Some(status) => {
                let status = u16::try_from(status).map_err(|_| ServiceFailure::Malformed)?;
                return Err(ServiceFailure::Http(status));
            }
        }
        check_status(&GrpcResponse { headers, trailers })?;
        if body.len() > MAX_ANSWER_LEN {
            return Err(ServiceFailure::Malformed);
        }
        let message = grpc::whole_message(body).ok_or(ServiceFailure::Malformed)?;
        decode::answer(message, asked).map_err(|_| ServiceFailure::Malformed)
    }

    /// Returns the time until a refused request can succeed, or until admitted units end.
    ///
    /// Taken from the statuses, or else from `x-ratelimit-reset`; 1 s if neither reports it.
    #[must_use]
    pub fn until_reset(&self) -> Duration {
        let over = self.statuses.iter().filter(|status| status.code == Code::OverLimit);
        let reported = match self.code {
            Code::OverLimit => over.filter_map(|status| status.until_reset).max(),
            Code::Ok | Code::Unknown => {
                self.statuses.iter().filter_map(|status| status.until_reset).min()
            }
        };
        let in_header = || {
            let reset = Duration::from_secs(self.response_number("x-ratelimit-reset")?);
            (reset <= MAX_RESET).then_some(reset)
        };
        reported.or_else(in_header).unwrap_or(DEFAULT_RESET)
    }

    /// Returns the units left in the window of every descriptor.
    ///
    /// Taken from the statuses, or else from `x-ratelimit-remaining`; `None` if neither reports it.
    #[must_use]
    pub fn remaining(&self) -> Option<u32> {
        // Without a limit, zero is the default of the field.
        let known = |status: &&Status| status.limit.is_some() || status.limit_remaining > 0;
        let reported =
            self.statuses.iter().filter(known).map(|status| status.limit_remaining).min();
        let in_header = || self.response_number("x-ratelimit-remaining")?.try_into().ok();
        reported.or_else(in_header)
    }

    fn response_number(&self, name: &str) -> Option<u64> {
        let mut headers = self.response_headers.iter();
        let (_, value) = headers.find(|(found, _)| found.as_str() == name)?;
        let is_number = value.iter().all(u8::is_ascii_digit);
        is_number.then(|| std::str::from_utf8(value).ok()?.parse().ok())?
    }
}

/// Checks the gRPC status.
fn check_status(response: &GrpcResponse<'_>) -> Result<(), ServiceFailure> {
    match response.status().ok_or(ServiceFailure::Malformed)? {
        GrpcStatus::Ok => Ok(()),
        GrpcStatus::DeadlineExceeded => Err(ServiceFailure::Timeout),
        // The status with which Envoy ends a call after its timeout.
        GrpcStatus::Unavailable if response.message().starts_with(b"upstream request timeout") => {
            Err(ServiceFailure::Timeout)
        }
        GrpcStatus::Unavailable => Err(ServiceFailure::Unavailable),
        other => Err(ServiceFailure::Refused(other)),
    }
}

#[cfg(test)]
mod tests;
