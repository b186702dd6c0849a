//! An HTTP server on its own thread.

use std::{
    convert::Infallible,
    future::Future,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
};

use anyhow::{Result, anyhow};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{HeaderMap, Request, Response, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net, runtime,
    sync::{Notify, oneshot},
};

/// The body of a response, including trailers.
pub type Body = BoxBody<Bytes, Infallible>;

/// The trailers of a request, stored in its extensions.
#[derive(Clone, Debug, Default)]
pub struct Trailers(pub HeaderMap);

/// A handle of the connection of a request, stored in the request's extensions.
#[derive(Clone, Debug, Default)]
pub struct Connection(Arc<Notify>);

impl Connection {
    /// Closes the connection without ending its streams.
    pub fn close(&self) {
        self.0.notify_one();
    }
}

/// An extension of a response that resets the HTTP/2 stream instead of sending the response.
#[derive(Clone, Copy, Debug)]
pub struct Reset;

/// Returns a body without trailers.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

/// An HTTP/1.1 and HTTP/2 server. It stops when this value is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `listener` with `handler`, which gets every request with its whole body.
    ///
    /// # Errors
    /// If the thread or its runtime cannot be started.
    pub fn start<H, F>(listener: TcpListener, handler: H) -> Result<Self>
    where
        H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("server".to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = accept(listener, handler) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept<H, F>(listener: TcpListener, handler: H)
where
    H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let Ok(listener) = net::TcpListener::from_std(listener) else { return };
    while let Ok((socket, _)) = listener.accept().await {
        let handler = handler.clone();
        let connection = Connection::default();
        let closed = Arc::clone(&connection.0);
        let service = service_fn(move |request: Request<Incoming>| {
            let (handler, connection) = (handler.clone(), connection.clone());
            async move {
                let (mut head, body) = request.into_parts();
                let body = body.collect().await.map_err(|error| anyhow!(error))?;
                head.extensions.insert(Trailers(body.trailers().cloned().unwrap_or_default()));
                head.extensions.insert(connection);
                let response = handler(Request::from_parts(head, body.to_bytes())).await;
                match response.extensions().get::<Reset>() {
                    None => Ok(response),
                    Some(Reset) => Err(anyhow!("a response with `Reset`")),
                }
            }
        });
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            tokio::select! {
                // Errors of connections, such as client resets, are ignored.
                _ = server.serve_connection(TokioIo::new(socket), service) => {}
                () = closed.notified() => {}
            }
        });
    }
}
