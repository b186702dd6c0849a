//! Keep-alive HTTP/1.1 load.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Builder, task::JoinSet};

use crate::variants::HeaderList;

/// Sends the same request repeatedly for `time`; returns the number of responses with status 200.
///
/// # Errors
///
/// Fails on a lost connection or another status: the cost of refused requests is not comparable.
pub(crate) fn run(
    address: SocketAddr,
    headers: &HeaderList,
    connections: usize,
    time: Duration,
) -> Result<u64> {
    let until = Instant::now().checked_add(time).unwrap_or_else(Instant::now);
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            workers.spawn(connection(address, headers.clone(), until));
        }
        let mut answered = 0u64;
        while let Some(count) = workers.join_next().await {
            answered = answered.saturating_add(count??);
        }
        Ok(answered)
    })
}

async fn connection(address: SocketAddr, headers: HeaderList, until: Instant) -> Result<u64> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(driver);
    let mut count = 0u64;
    while Instant::now() < until {
        let mut request = Request::get("/orders/1").header("host", "bench.local");
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        sender.ready().await?;
        let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
        ensure!(answer.status() == 200, "answered {}", answer.status());
        answer.into_body().collect().await?;
        count = count.saturating_add(1);
    }
    drop(sender);
    driver.await??;
    Ok(count)
}
