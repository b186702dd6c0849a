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
pub(super) type Asked = Request<Empty<Bytes>>;

/// A response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// Time at which the request was sent.
    pub(super) begun: SystemTime,
    /// Time until the end of the response.
    pub(super) took: Duration,
    /// The status. 0 if the response is missing or incomplete.
    pub(super) status: u16,
}

/// Returns a GET request for `path` with these headers.
pub(super) fn get(path: &str, headers: &[(&str, &str)]) -> Asked {
    let request = Request::get(path).header("host", "a");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Empty::new()).unwrap_or_default()
}

/// Sends the requests that `next` returns for 0, 1, 2 and so on, until it returns `None`.
pub(super) fn load(
    address: SocketAddr,
    connections: usize,
    next: impl Fn(u64) -> Option<Asked> + Send + Sync + 'static,
) -> Result<Vec<Answer>> {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let (next, number) = (Arc::new(next), Arc::new(AtomicU64::new(0)));
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let (next, number) = (Arc::clone(&next), Arc::clone(&number));
            let answers = Arc::clone(&answers);
            tasks.spawn(async move {
                let take = || next(number.fetch_add(1, Ordering::Relaxed));
                while let Some(request) = take() {
                    one_connection(address, request, &take, &answers).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        anyhow::Ok(())
    })?;
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *answers))
}

/// Sends requests one after the other until `take` returns `None` or the connection ends.
async fn one_connection(
    address: SocketAddr,
    first: Asked,
    take: &impl Fn() -> Option<Asked>,
    answers: &Mutex<Vec<Answer>>,
) -> Result<()> {
    let socket = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Some(first);
    while let Some(next) = request {
        let (begun, clock) = (SystemTime::now(), Instant::now());
        let status = match sender.send_request(next).await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                answer.into_body().collect().await.map_or(0, |_| status)
            }
            Err(_) => 0,
        };
        let answer = Answer { begun, took: clock.elapsed(), status };
        answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        if sender.ready().await.is_err() {
            break;
        }
        request = take();
    }
    connection.abort();
    Ok(())
}

/// Returns a source of requests for [`load`] that ends after `time`.
pub(super) fn during(
    time: Duration,
    make: impl Fn(u64) -> Asked + Send + Sync + 'static,
) -> impl Fn(u64) -> Option<Asked> + Send + Sync + 'static {
    let begun = Instant::now();
    move |number| (begun.elapsed() < time).then(|| make(number))
}
