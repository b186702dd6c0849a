//! An HTTP server on its own thread.

use std::{
    convert::Infallible,
    future::Future,
    net::{SocketAddr, TcpListener},
    thread::{self, JoinHandle},
};

use anyhow::{Result, anyhow};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{HeaderMap, Request, Response, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net, runtime, sync::oneshot};

/// The body of a response, including trailers.
pub type Body = BoxBody<Bytes, Infallible>;

/// The trailers of a request, stored in its extensions.
#[derive(Clone, Debug, Default)]
pub struct Trailers(pub HeaderMap);

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
        let service = service_fn(move |request: Request<Incoming>| {
            let handler = handler.clone();
            async move {
                let (mut head, body) = request.into_parts();
                let body = body.collect().await.map_err(|error| anyhow!(error))?;
                head.extensions.insert(Trailers(body.trailers().cloned().unwrap_or_default()));
                let request = Request::from_parts(head, body.to_bytes());
                Ok::<_, anyhow::Error>(handler(request).await)
            }
        });
        tokio::spawn(async move {
            // Errors of connections, such as client resets, are ignored.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
