//! Responses of the fake service.

use std::{
    convert::Infallible,
    future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http_body_util::BodyExt;
use hyper::{
    Response,
    body::{self, Bytes, Frame},
};
use prost::Message;

use super::{Code, RateLimitResponse};
use crate::{
    grpc,
    server::{Body, Connection, Reset, full},
};

/// The reaction to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// A message.
    Answer(RateLimitResponse),
    /// A gRPC error with its status and message.
    Error(u32, String),
    /// An HTTP response with this status that is not gRPC, like that of a proxy.
    Http(u16),
    /// A body with these bytes, and these trailers.
    Body(Vec<u8>, Vec<(String, String)>),
    /// The headers, these bytes of the body, then nothing more.
    Stall(Vec<u8>),
    /// Nothing. The call stays open.
    Hang,
    /// A reset of the stream (`RST_STREAM`).
    Reset,
    /// The end of the connection, without ending its streams.
    Close,
    /// Another reaction after this time.
    Delay(Duration, Box<Self>),
}

impl Behaviour {
    /// Allows the request, without a status.
    pub fn ok() -> Self {
        Self::Answer(RateLimitResponse::new(Code::Ok))
    }

    /// Rejects the request until `reset`, with one status.
    pub fn over_limit(reset: Duration) -> Self {
        Self::Answer(RateLimitResponse::new(Code::OverLimit).status(0, Some(reset)))
    }

    /// Responds with UNKNOWN.
    pub fn unknown() -> Self {
        Self::Answer(RateLimitResponse::new(Code::Unknown))
    }

    /// Responds with a framed message of these bytes.
    pub fn garbage(message: &[u8]) -> Self {
        Self::successful(grpc::frame(message))
    }

    /// Responds with a framed message and ends the body after `length` bytes of the frame.
    pub fn truncated(response: &RateLimitResponse, length: usize) -> Self {
        let mut body = grpc::frame(&response.encode_to_vec());
        body.truncate(length);
        Self::successful(body)
    }

    /// Responds with a valid message that allows the request and has a `raw_body` of `length` bytes.
    pub fn huge(length: usize) -> Self {
        Self::Answer(RateLimitResponse::new(Code::Ok).body(vec![b'x'; length]))
    }

    /// Delays this reaction.
    pub fn after(self, delay: Duration) -> Self {
        Self::Delay(delay, Box::new(self))
    }

    fn successful(body: Vec<u8>) -> Self {
        Self::Body(body, vec![("grpc-status".to_owned(), grpc::OK.to_string())])
    }

    pub(super) async fn respond(self, connection: Connection) -> Response<Body> {
        let mut behaviour = self;
        loop {
            behaviour = match behaviour {
                Self::Answer(response) => return grpc::message(&response.encode_to_vec()),
                Self::Error(status, message) => return grpc::error(status, &message),
                Self::Http(status) => {
                    let mut response = Response::new(full("no"));
                    *response.status_mut() = status.try_into().unwrap_or_default();
                    return response;
                }
                Self::Body(bytes, trailers) => return grpc::with_trailers(bytes, &trailers),
                Self::Stall(bytes) => return grpc::with_body(Endless(Some(bytes.into())).boxed()),
                Self::Hang => return future::pending().await,
                Self::Reset => {
                    let mut response = Response::new(full(""));
                    response.extensions_mut().insert(Reset);
                    return response;
                }
                Self::Close => {
                    connection.close();
                    Self::Hang
                }
                Self::Delay(delay, behaviour) => {
                    tokio::time::sleep(delay).await;
                    *behaviour
                }
            }
        }
    }
}

/// A body that does not end after its bytes.
struct Endless(Option<Bytes>);

impl body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(Frame::data(bytes)))))
    }
}
