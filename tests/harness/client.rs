//! An HTTP client for arbitrary header bytes, both protocol versions and raw sockets.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Uri,
    body::{Bytes, Incoming},
    header::{HeaderName, HeaderValue},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net, runtime, time};

use crate::server::{Body, full};

/// Timeout of an exchange.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The protocol of a [`Client`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, by prior knowledge.
    Http2,
}

/// A client of one address that opens a new connection for each request.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    address: SocketAddr,
    protocol: Protocol,
}

/// A request under construction.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    authority: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
    trailers: HeaderMap,
}

/// A complete response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers. Values of one name are in order of arrival.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The trailers. Empty if there are none.
    pub trailers: HeaderMap,
}

impl Request {
    /// Creates a request. `path` may contain a query.
    pub fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            authority: "app.example.com".to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            trailers: HeaderMap::new(),
        }
    }

    /// Creates a GET request.
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// Creates a gRPC call with an empty message.
    pub fn grpc(path: &str) -> Self {
        Self::new(Method::POST, path)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(&[0; 5])
    }

    /// Replaces the authority. Default: `app.example.com`.
    pub fn authority(mut self, authority: &str) -> Self {
        authority.clone_into(&mut self.authority);
        self
    }

    /// Adds a header and keeps others of the same name. Values may contain the bytes 0x80 to 0xFF.
    ///
    /// [`Client::send`] fails for invalid headers. [`Client::raw`] can send them.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds a trailer. Only HTTP/2 clients send it.
    ///
    /// # Panics
    /// If the name or the value is invalid.
    pub fn trailer(mut self, name: &'static str, value: &'static str) -> Self {
        self.trailers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// Adds `authorization: Bearer <token>`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Replaces the body.
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = Bytes::copy_from_slice(body);
        self
    }
}

impl Response {
    /// Returns the first value of the header. `None` if it is absent or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as text, with invalid UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// If the body is not JSON. The error contains it.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {:?}", self.text()))
    }

    /// Returns the gRPC status of the trailers or of a trailers-only response.
    pub fn grpc_status(&self) -> Option<&str> {
        self.trailers
            .get("grpc-status")
            .and_then(|v| v.to_str().ok())
            .or(self.header("grpc-status"))
    }

    /// Returns `true` if this is a trailers-only response of gRPC.
    pub fn is_trailers_only(&self) -> bool {
        self.headers.contains_key("grpc-status") && self.body.is_empty() && self.trailers.is_empty()
    }
}

impl Client {
    /// Creates a client for HTTP/1.1.
    pub fn http1(address: SocketAddr) -> Self {
        Self { address, protocol: Protocol::Http1 }
    }

    /// Creates a client for HTTP/2.
    pub fn http2(address: SocketAddr) -> Self {
        Self { address, protocol: Protocol::Http2 }
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// If the connection fails, the response is invalid, or it takes longer than 20 seconds.
    pub fn send(&self, request: Request) -> Result<Response> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            time::timeout(TIMEOUT, self.exchange(request))
                .await
                .with_context(|| format!("no response from {} within {TIMEOUT:?}", self.address))?
        })
    }

    /// Sends a GET request for `path`.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub fn get(&self, path: &str) -> Result<Response> {
        self.send(Request::get(path))
    }

    /// Writes `bytes` to a new connection and returns everything received until it is closed.
    ///
    /// A request in `bytes` should ask for `connection: close`.
    ///
    /// # Errors
    /// If the connection fails or stays open for 20 seconds.
    pub fn raw(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        // The server may respond before it has read everything.
        let _ = socket.write_all(bytes);
        let mut response = Vec::new();
        match socket.read_to_end(&mut response) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error.into()),
            _ => Ok(response),
        }
    }

    async fn exchange(&self, request: Request) -> Result<Response> {
        let socket = net::TcpStream::connect(self.address)
            .await
            .with_context(|| format!("cannot connect to {}", self.address))?;
        let io = TokioIo::new(socket);
        let message = self.message(request)?;
        let response = match self.protocol {
            Protocol::Http1 => {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
                tokio::spawn(connection);
                sender.send_request(message).await?
            }
            Protocol::Http2 => {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                sender.send_request(message).await?
            }
        };
        read(response).await
    }

    fn message(&self, request: Request) -> Result<hyper::Request<Body>> {
        let uri = match self.protocol {
            Protocol::Http1 => request.path.parse::<Uri>()?,
            Protocol::Http2 => format!("http://{}{}", request.authority, request.path).parse()?,
        };
        let mut message = hyper::Request::new(match request.trailers.is_empty() {
            true => full(request.body),
            false => {
                let trailers = request.trailers;
                Full::new(request.body).with_trailers(async { Some(Ok(trailers)) }).boxed()
            }
        });
        *message.method_mut() = request.method;
        *message.uri_mut() = uri;
        for (name, value) in request.headers {
            let name = HeaderName::from_bytes(name.as_bytes())?;
            message.headers_mut().append(name, HeaderValue::from_bytes(&value)?);
        }
        if self.protocol == Protocol::Http1 {
            message.headers_mut().insert("host", request.authority.parse()?);
        }
        Ok(message)
    }
}

async fn read(response: hyper::Response<Incoming>) -> Result<Response> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| anyhow!("broken body: {error}"))?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    Ok(Response {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.to_bytes(),
        trailers,
    })
}
