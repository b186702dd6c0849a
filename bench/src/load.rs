//! Keep-alive HTTP/1.1 load.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    runtime::Builder,
    task::{JoinHandle, JoinSet},
};

use crate::variants::HeaderList;

mod fixed_rate;

pub(crate) use fixed_rate::latencies;

/// Sends the same request repeatedly for `time`; returns the number of responses with `status`.
///
/// # Errors
///
/// Fails on a lost connection or another status: the cost of refused requests is not comparable.
pub(crate) fn run(
    address: SocketAddr,
    headers: &HeaderList,
    status: StatusCode,
    connections: usize,
    time: Duration,
) -> Result<u64> {
    let until = Instant::now().checked_add(time).unwrap_or_else(Instant::now);
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            workers.spawn(repeat(address, headers.clone(), status, until));
        }
        let mut answered = 0u64;
        while let Some(count) = workers.join_next().await {
            answered = answered.saturating_add(count??);
        }
        Ok(answered)
    })
}

/// Sends one request; returns `true` if a response arrives.
///
/// # Errors
///
/// Fails on another status than 200, or than `expected`.
pub(crate) fn probe(
    address: SocketAddr,
    headers: &HeaderList,
    expected: StatusCode,
) -> Result<bool> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let Ok(mut client) = Client::connect(address, headers.clone()).await else {
            return Ok(false);
        };
        let Ok(status) = client.send().await else { return Ok(false) };
        ensure!(status == StatusCode::OK || status == expected, "answered {status}");
        Ok(true)
    })
}

async fn repeat(
    address: SocketAddr,
    headers: HeaderList,
    status: StatusCode,
    until: Instant,
) -> Result<u64> {
    let mut client = Client::connect(address, headers).await?;
    let mut count = 0u64;
    while Instant::now() < until {
        client.exchange(status).await?;
        count = count.saturating_add(1);
    }
    client.close().await?;
    Ok(count)
}

/// A keep-alive connection that sends the same request each time.
struct Client {
    headers: HeaderList,
    sender: SendRequest<Empty<Bytes>>,
    driver: JoinHandle<hyper::Result<()>>,
}

impl Client {
    async fn connect(address: SocketAddr, headers: HeaderList) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Self { headers, sender, driver: tokio::spawn(driver) })
    }

    /// Sends the request and reads the whole response.
    async fn send(&mut self) -> Result<StatusCode> {
        let mut request = Request::get("/orders/1").header("host", "bench.local");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Empty::new())?).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status)
    }

    /// Sends the request and expects a status.
    async fn exchange(&mut self, expected: StatusCode) -> Result<()> {
        let status = self.send().await?;
        ensure!(status == expected, "answered {status}");
        Ok(())
    }

    async fn close(self) -> Result<()> {
        drop(self.sender);
        self.driver.await?.context("the connection failed")
    }
}
