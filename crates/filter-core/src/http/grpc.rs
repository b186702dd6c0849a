//! Unary gRPC calls over plain HTTP, which gives access to the trailers.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use std::{borrow::Cow, time::Duration};

use crate::{GrpcStatus, Headers, percent_decode};

/// Length of the prefix of a message: the compressed flag and the size.
pub const PREFIX_LEN: usize = 5;

/// The status and metadata of a response.
#[derive(Clone, Copy, Debug)]
pub struct GrpcResponse<'a> {
    /// The headers, with `:status` 200.
    pub headers: &'a Headers,
    /// The trailers; empty in a Trailers-Only response, which has its status in the headers.
    pub trailers: &'a Headers,
}

impl<'a> GrpcResponse<'a> {
    /// Returns the status; `None` if this is not a gRPC response.
    #[must_use]
    pub fn status(&self) -> Option<GrpcStatus> {
        let has_trailers = self.trailers.first("grpc-status").is_some();
        let source = if has_trailers { self.trailers } else { self.headers };
        source.number("grpc-status").and_then(GrpcStatus::from_code)
    }

    /// Returns the value of a field in the trailers, or else in the headers.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.trailers.first(name).or_else(|| self.headers.first(name))
    }

    /// Returns the server's description of the status: untrusted text, empty if there is none.
    #[must_use]
    pub fn message(&self) -> Cow<'a, [u8]> {
        percent_decode(self.field("grpc-message").unwrap_or_default())
    }
}

/// Returns the headers that a call needs in addition to the pseudo-headers.
#[must_use]
pub fn headers(timeout: Duration) -> [(&'static str, String); 3] {
    [
        ("content-type", "application/grpc".to_owned()),
        ("te", "trailers".to_owned()),
        ("grpc-timeout", format!("{}m", timeout.as_millis())),
    ]
}

/// Returns the prefix of an uncompressed message of `size` bytes.
#[must_use]
pub fn prefix(size: usize) -> [u8; PREFIX_LEN] {
    let [a, b, c, d] = u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes();
    [0, a, b, c, d]
}

/// Returns the message of a body that can be truncated; `None` if it is compressed or missing.
#[must_use]
pub fn message(body: &[u8]) -> Option<&[u8]> {
    let ([compressed, ..], message) = body.split_first_chunk::<PREFIX_LEN>()?;
    (*compressed == 0).then_some(message)
}

/// Returns the only message of a body; `None` if it is compressed, truncated or not the only one.
#[must_use]
pub fn whole_message(body: &[u8]) -> Option<&[u8]> {
    let (found, message) = body.split_first_chunk::<PREFIX_LEN>()?;
    (*found == prefix(message.len())).then_some(message)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn response(headers: &[(&str, &str)], trailers: &[(&str, &str)]) -> (Headers, Headers) {
        (headers.iter().copied().collect(), trailers.iter().copied().collect())
    }

    #[test]
    fn the_status_is_in_the_trailers_or_in_the_headers_of_trailers_only() {
        for (in_headers, in_trailers, status) in [
            (None, Some("0"), Some(GrpcStatus::Ok)),
            (Some("14"), None, Some(GrpcStatus::Unavailable)),
            (Some("0"), Some("8"), Some(GrpcStatus::ResourceExhausted)),
            (Some("0"), Some("x"), None),
            (None, Some("17"), None),
            (None, None, None),
        ] {
            let field = |value: Option<&'static str>| value.map(|value| ("grpc-status", value));
            let headers: Headers = field(in_headers).into_iter().collect();
            let trailers: Headers = field(in_trailers).into_iter().collect();
            let response = GrpcResponse { headers: &headers, trailers: &trailers };
            assert_eq!(response.status(), status, "{in_headers:?} {in_trailers:?}");
        }
    }

    #[test]
    fn decodes_the_message_of_the_status() {
        let (headers, trailers) = response(&[("grpc-message", "a")], &[("grpc-message", "b%0a")]);
        let none = Headers::default();
        let message = |trailers| GrpcResponse { headers: &headers, trailers }.message();
        assert_eq!(*message(&trailers), *b"b\n");
        assert_eq!(*message(&none), *b"a");
        assert_eq!(*GrpcResponse { headers: &none, trailers: &none }.message(), *b"");
    }

    #[test]
    fn removes_the_prefix_of_uncompressed_messages() {
        for (body, part, whole) in [
            (&[0, 0, 0, 0, 2, 7, 8][..], Some(&[7, 8][..]), Some(&[7, 8][..])),
            (&[0, 0, 0, 0, 0], Some(&[]), Some(&[])),
            (&[0, 0, 0, 0, 3, 7, 8], Some(&[7, 8]), None),
            (&[0, 0, 0, 0, 1, 7, 8], Some(&[7, 8]), None),
            (&[1, 0, 0, 0, 2, 7, 8], None, None),
            (&[0, 0, 0, 0], None, None),
            (&[], None, None),
        ] {
            assert_eq!((message(body), whole_message(body)), (part, whole), "{body:?}");
        }
        assert_eq!(prefix(0x0102_0304), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_timeout_is_in_milliseconds() {
        let [.., timeout] = headers(Duration::from_millis(1_500));
        assert_eq!(timeout, ("grpc-timeout", "1500m".to_owned()));
    }
}
