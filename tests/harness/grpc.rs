//! Messages and responses of gRPC over HTTP/2.

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Response,
    body::Bytes,
    header::{HeaderName, HeaderValue},
};

use crate::server::Body;

/// Status of a call that succeeded.
pub const OK: u32 = 0;
/// Status of a call to a method that the server does not have.
pub const UNIMPLEMENTED: u32 = 12;
/// Status of a call whose message the server cannot decode.
pub const INTERNAL: u32 = 13;
/// Status of a call that the server cannot serve now.
pub const UNAVAILABLE: u32 = 14;

/// Prepends the header of an uncompressed message.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// Returns the message of a body. `None` unless it is exactly one uncompressed message.
pub fn unframe(body: &[u8]) -> Option<&[u8]> {
    let (&[0, a, b, c, d], message) = body.split_first_chunk()? else { return None };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    (message.len() == length).then_some(message)
}

/// Returns a response with a message and the status OK.
pub fn message(message: &[u8]) -> Response<Body> {
    with_trailers(frame(message), &[("grpc-status".to_owned(), OK.to_string())])
}

/// Returns a response with only an error.
pub fn error(status: u32, message: &str) -> Response<Body> {
    let status = ("grpc-status".to_owned(), status.to_string());
    with_trailers(Bytes::new(), &[status, ("grpc-message".to_owned(), message.to_owned())])
}

/// Returns a response with an arbitrary body and arbitrary trailers.
pub fn with_trailers(body: impl Into<Bytes>, trailers: &[(String, String)]) -> Response<Body> {
    let trailers = headers(trailers);
    let body = Full::new(body.into()).with_trailers(async { Some(Ok(trailers)) });
    with_body(body.boxed())
}

/// Returns a response with this body.
pub fn with_body(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    response
}

/// Returns the pairs as headers, without those that are invalid.
pub fn headers(pairs: &[(String, String)]) -> HeaderMap {
    let pair = |(name, value): &(String, String)| {
        Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
    };
    pairs.iter().filter_map(pair).collect()
}
