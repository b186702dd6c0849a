//! The outcome of a stream: statuses, ending and error classification.

use crate::GrpcStatus;

mod ending;

pub use self::ending::Ending;

/// A stream that has ended, read one value at a time.
///
/// Each read is a host call, so a value is only read if the outcome depends on it.
pub trait EndedStream {
    /// Returns a header of the forwarded request.
    fn request_header(&self, name: &str) -> Option<Vec<u8>>;
    /// Returns a header of the response.
    fn response_header(&self, name: &str) -> Option<Vec<u8>>;
    /// Returns a trailer of the response.
    fn response_trailer(&self, name: &str) -> Option<Vec<u8>>;
    /// Returns Envoy's attribute `response.code`.
    fn response_code(&self) -> Option<u64>;
    /// Returns Envoy's attribute `response.flags`.
    fn response_flags(&self) -> Option<u64>;
}

/// The outcome of a stream that has ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ResponseOutcome {
    /// HTTP status that was sent downstream; `None` without a response.
    pub status: Option<u16>,
    /// gRPC status; `None` for other requests.
    pub grpc_status: Option<u32>,
    /// How the response ended.
    pub ending: Ending,
    /// `true` for a tunnel (a WebSocket or CONNECT), which may end at any time.
    pub is_tunnel: bool,
}

impl ResponseOutcome {
    /// Reads the outcome of a stream; `is_end_seen` is `true` if a callback saw the last part of
    /// the response.
    #[must_use]
    pub fn read(stream: &impl EndedStream, is_end_seen: bool) -> Self {
        let status = status(stream);
        let ending = match status {
            Some(_) if is_end_seen => Ending::Complete,
            _ => stream.response_flags().map(Ending::from_flags).unwrap_or_default(),
        };
        let method = || stream.request_header(":method");
        let is_connect = || method().is_some_and(|method| method == b"CONNECT");
        let is_tunnel = match status {
            Some(101) => true,
            Some(200..=299) => ending != Ending::Complete && is_connect(),
            _ => false,
        };
        Self { status, grpc_status: grpc_status(stream, status), ending, is_tunnel }
    }

    /// Returns `true` if the client disconnected before it received everything, which is not an
    /// error.
    #[must_use]
    pub const fn is_abandoned(&self) -> bool {
        matches!(self.ending, Ending::ClientAborted) && !self.is_tunnel
    }

    /// Returns `true` unless the client disconnected before a response began.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.status.is_some() || !self.is_abandoned()
    }

    /// Returns `true` if the outcome is the server's error: status 500 or above, no response, an
    /// incomplete response, or one of the gRPC statuses UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED,
    /// INTERNAL, UNAVAILABLE and DATA_LOSS.
    #[must_use]
    pub fn is_error(&self) -> bool {
        if self.is_abandoned() {
            return false;
        }
        let is_cut_short = self.ending == Ending::Incomplete && !self.is_tunnel;
        self.status.is_none_or(|status| status >= 500)
            || is_cut_short
            || self.grpc_status.is_some_and(is_server_error)
    }
}

/// Reads the status from the headers, or else from the attribute: a reply of the codec has no
/// headers.
fn status(stream: &impl EndedStream) -> Option<u16> {
    let header = stream.response_header(":status");
    let header = header.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
    let code = || stream.response_code().and_then(|code| u16::try_from(code).ok());
    header.filter(|status| *status != 0).or_else(code).filter(|status| *status != 0)
}

/// Reads the gRPC status as Envoy's access log does: for requests with the content type of gRPC,
/// from the trailers, else from the headers, else from the HTTP status.
///
/// Envoy's attribute `response.grpc_status` reports UNKNOWN for a 200 to any other request.
fn grpc_status(stream: &impl EndedStream, status: Option<u16>) -> Option<u32> {
    const NAME: &str = "grpc-status";
    if !stream.request_header("content-type").is_some_and(|kind| is_grpc(&kind)) {
        return None;
    }
    let written = stream.response_trailer(NAME).filter(|text| !text.is_empty());
    let written = written.or_else(|| stream.response_header(NAME)).filter(|text| !text.is_empty());
    match (written, status?) {
        (Some(text), _) => Some(parse_code(&text)),
        // Envoy's gRPC-Web filter turns the request into gRPC, and the trailers into a body.
        (None, 200) if has_status_in_body(stream) => None,
        (None, status) => Some(GrpcStatus::from_http(status).code().into()),
    }
}

/// Returns `true` for `application/grpc` and `application/grpc+proto`, not for
/// `application/grpc-web`.
fn is_grpc(content_type: &[u8]) -> bool {
    matches!(content_type.strip_prefix(b"application/grpc"), Some([] | [b'+', ..]))
}

fn has_status_in_body(stream: &impl EndedStream) -> bool {
    let kind = stream.response_header("content-type");
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc-web"))
}

/// Parses a gRPC status; other text is UNKNOWN, as for gRPC clients.
fn parse_code(text: &[u8]) -> u32 {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| GrpcStatus::Unknown.code().into())
}

fn is_server_error(code: u32) -> bool {
    use GrpcStatus::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    let status = GrpcStatus::from_code(code.into());
    matches!(
        status,
        Some(Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss)
    )
}

#[cfg(test)]
mod tests;
