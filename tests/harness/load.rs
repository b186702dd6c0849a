//! A load generator: many requests over few connections.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::Result;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Builder, task::JoinSet};

/// A request without a body.
pub type EmptyRequest = Request<Empty<Bytes>>;

/// A response.
#[derive(Clone, Copy, Debug)]
pub struct TimedResponse {
    /// The number of the request.
    pub number: u64,
    /// Time at which the request was sent.
    pub started: SystemTime,
    /// Time until the end of the response.
    pub elapsed: Duration,
    /// The status. 0 if the response is missing or incomplete.
    pub status: u16,
}

/// Returns a GET request for `path` with these headers.
pub fn get(path: &str, headers: &[(&str, &str)]) -> EmptyRequest {
    let request = Request::get(path).header("host", "a");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Empty::new()).unwrap_or_default()
}

/// Sends the requests that `next` returns for 0, 1, 2 and so on, until it returns `None`.
///
/// # Errors
/// If a connection cannot be opened.
pub fn load(
    address: SocketAddr,
    connections: usize,
    next: impl Fn(u64) -> Option<EmptyRequest> + Send + Sync + 'static,
) -> Result<Vec<TimedResponse>> {
    let responses = Arc::new(Mutex::new(Vec::new()));
    let (next, number) = (Arc::new(next), Arc::new(AtomicU64::new(0)));
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let (next, number) = (Arc::clone(&next), Arc::clone(&number));
            let responses = Arc::clone(&responses);
            tasks.spawn(async move {
                let take = || {
                    let number = number.fetch_add(1, Ordering::Relaxed);
                    Some((number, next(number)?))
                };
                while let Some(request) = take() {
                    send_on_connection(address, request, &take, &responses).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        anyhow::Ok(())
    })?;
    let mut responses = responses.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *responses))
}

/// Sends requests one after the other until `take` returns `None` or the connection ends.
async fn send_on_connection(
    address: SocketAddr,
    first: (u64, EmptyRequest),
    take: &impl Fn() -> Option<(u64, EmptyRequest)>,
    responses: &Mutex<Vec<TimedResponse>>,
) -> Result<()> {
    let socket = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Some(first);
    while let Some((number, next)) = request {
        let (started, clock) = (SystemTime::now(), Instant::now());
        let status = match sender.send_request(next).await {
            Ok(response) => {
                let status = response.status().as_u16();
                response.into_body().collect().await.map_or(0, |_| status)
            }
            Err(_) => 0,
        };
        let response = TimedResponse { number, started, elapsed: clock.elapsed(), status };
        responses.lock().unwrap_or_else(PoisonError::into_inner).push(response);
        if sender.ready().await.is_err() {
            break;
        }
        request = take();
    }
    connection.abort();
    Ok(())
}

/// Returns a source of requests for [`load`] that ends after `time`.
pub fn during(
    time: Duration,
    make: impl Fn(u64) -> EmptyRequest + Send + Sync + 'static,
) -> impl Fn(u64) -> Option<EmptyRequest> + Send + Sync + 'static {
    let started = Instant::now();
    move |number| (started.elapsed() < time).then(|| make(number))
}
