//! The application behind Envoy, which echoes and records its requests.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, body::Bytes, header::HeaderValue};
use serde_json::{Value, json};

use crate::{
    client::Response,
    ports,
    server::{Body, Server, Trailers, full},
};

/// Request header that selects the status of the response.
pub const REPLY_STATUS: &str = "x-reply-status";

/// Request header that selects the gRPC status of the response.
pub const REPLY_GRPC_STATUS: &str = "x-reply-grpc-status";

/// An application that responds to every request with the received request as JSON.
///
/// `x-reply-status` selects the status. A gRPC call gets an empty message and the trailer
/// `grpc-status: 0`, or the status that `x-reply-grpc-status` selects.
#[derive(Debug)]
pub struct Upstream {
    server: Server,
    received: Arc<Mutex<Vec<Received>>>,
}

/// A request as received by the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers in order. Each byte of a value is one character (Latin-1).
    pub headers: Vec<(String, String)>,
    /// The length of the body in bytes.
    pub body_length: usize,
    /// The trailers, in the same form as the headers.
    pub trailers: Vec<(String, String)>,
}

impl Received {
    /// Parses a response of the application.
    ///
    /// # Errors
    /// If the response is not from the application.
    pub fn from_response(response: &Response) -> Result<Self> {
        let echo = response.json()?;
        let text = |name: &str| echo.get(name).and_then(Value::as_str).map(str::to_owned);
        let headers = echo.get("headers").and_then(Value::as_array).context("no headers")?;
        let trailers = echo.get("trailers").and_then(Value::as_array).context("no trailers")?;
        Ok(Self {
            method: text("method").context("no method")?,
            path: text("path").context("no path")?,
            headers: headers.iter().filter_map(pair).collect(),
            body_length: echo.get("bodyLength").and_then(Value::as_u64).unwrap_or(0).try_into()?,
            trailers: trailers.iter().filter_map(pair).collect(),
        })
    }

    /// Returns the values of a header, in order.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    }

    fn to_json(&self) -> Value {
        json!({
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "bodyLength": self.body_length,
            "trailers": self.trailers,
        })
    }
}

impl From<&Request<Bytes>> for Received {
    fn from(request: &Request<Bytes>) -> Self {
        let named =
            |headers: &HeaderMap| headers.iter().map(|(n, v)| (n.to_string(), latin1(v))).collect();
        let trailers = request.extensions().get::<Trailers>();
        Self {
            method: request.method().to_string(),
            path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: named(request.headers()),
            body_length: request.body().len(),
            trailers: trailers.map(|trailers| named(&trailers.0)).unwrap_or_default(),
        }
    }
}

impl Upstream {
    /// Starts the application on a free port.
    ///
    /// # Errors
    /// If the port cannot be bound or the thread cannot be started.
    pub fn start() -> Result<Self> {
        Self::start_on(ports::listen(0)?)
    }

    /// Starts the application on `listener`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start_on(listener: TcpListener) -> Result<Self> {
        let received = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&received);
        let server = Server::start(listener, move |request| {
            let recorded = Arc::clone(&recorded);
            async move {
                let recorded_request = Received::from(&request);
                let response = respond(&request, &recorded_request);
                recorded.lock().unwrap_or_else(PoisonError::into_inner).push(recorded_request);
                response
            }
        })?;
        Ok(Self { server, received })
    }

    /// Returns the address of the application.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the number of requests received so far.
    pub fn count(&self) -> usize {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns the requests received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn respond(request: &Request<Bytes>, received: &Received) -> hyper::Response<Body> {
    if is_grpc(request.headers()) {
        return grpc_response(request.headers().get(REPLY_GRPC_STATUS));
    }
    let requested = request.headers().get(REPLY_STATUS);
    let status = requested.and_then(|v| v.to_str().ok()?.parse::<u16>().ok()).unwrap_or(200);
    let mut response = hyper::Response::new(full(received.to_json().to_string()));
    *response.status_mut() = status.try_into().unwrap_or_default();
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

fn grpc_response(status: Option<&HeaderValue>) -> hyper::Response<Body> {
    let mut trailers = HeaderMap::new();
    let status = status.cloned().unwrap_or(HeaderValue::from_static("0"));
    trailers.insert("grpc-status", status);
    let message = Full::new(Bytes::from_static(&[0; 5]));
    let body = message.with_trailers(async { Some(Ok(trailers)) });
    let mut response = hyper::Response::new(body.boxed());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get("content-type").is_some_and(|v| v.as_bytes().starts_with(b"application/grpc"))
}

fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

fn pair(entry: &Value) -> Option<(String, String)> {
    let text = |index| Some(entry.get(index)?.as_str()?.to_owned());
    Some((text(0)?, text(1)?))
}
