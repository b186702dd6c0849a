//! A load generator that sends requests at a steady rate and measures each.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Builder, task::JoinSet, time::interval};

/// Number of connections.
const CONNECTIONS: usize = 4;

/// Returns `true` if the request with this number is to be sent. The first `false` ends the load.
pub(super) type KeepGoing = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// Sends a request per `period` on each of four connections while `goes_on` returns `true`. Returns
/// the time of each request.
///
/// # Errors
/// If a response has another status than 200.
pub(super) fn steady_load(
    address: SocketAddr,
    period: Duration,
    keep_going: &KeepGoing,
) -> Result<Vec<Duration>> {
    let number = Arc::new(AtomicU64::new(0));
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..CONNECTIONS {
            tasks.spawn(connection(address, period, Arc::clone(&number), Arc::clone(keep_going)));
        }
        let mut elapsed = Vec::new();
        while let Some(done) = tasks.join_next().await {
            elapsed.append(&mut done??);
        }
        Ok(elapsed)
    })
}

async fn connection(
    address: SocketAddr,
    period: Duration,
    number: Arc<AtomicU64>,
    keep_going: KeepGoing,
) -> Result<Vec<Duration>> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    let connection = tokio::spawn(connection);
    let mut ticks = interval(period);
    let mut elapsed = Vec::new();
    while keep_going(number.fetch_add(1, Ordering::Relaxed)) {
        ticks.tick().await;
        let request = Request::get("/orders/7").header("host", "app.example.com");
        let started = Instant::now();
        let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
        let status = response.status();
        response.into_body().collect().await?;
        elapsed.push(started.elapsed());
        ensure!(status == 200, "{status}");
    }
    connection.abort();
    Ok(elapsed)
}

/// Returns the percentile `hundredths` of the times.
pub(super) fn quantile(mut times: Vec<Duration>, hundredths: usize) -> Duration {
    times.sort_unstable();
    let index = times.len().saturating_mul(hundredths) / 100;
    times.get(index).copied().unwrap_or_default()
}
