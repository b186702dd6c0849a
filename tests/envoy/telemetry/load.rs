//! A load generator: many requests over few connections.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Result;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Builder, task::JoinSet};

/// Sends GET requests over a number of connections. Returns the number of complete responses with
/// status 200.
pub(super) fn load(address: SocketAddr, connections: usize, requests: u64) -> Result<u64> {
    let number = Arc::new(AtomicU64::new(0));
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            tasks.spawn(send_on_connection(address, Arc::clone(&number), requests));
        }
        let mut answered = 0;
        while let Some(done) = tasks.join_next().await {
            answered = u64::saturating_add(answered, done??);
        }
        Ok(answered)
    })
}

async fn send_on_connection(
    address: SocketAddr,
    number: Arc<AtomicU64>,
    requests: u64,
) -> Result<u64> {
    let mut answered = 0;
    while number.load(Ordering::Relaxed) < requests {
        let socket = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        let connection = tokio::spawn(connection);
        // A draining listener closes its connections between two requests.
        while sender.ready().await.is_ok() && number.fetch_add(1, Ordering::Relaxed) < requests {
            let request = Request::get("/orders/7").header("host", "app.example.com");
            let request = request.body(Empty::<Bytes>::new())?;
            let Ok(response) = sender.send_request(request).await else { break };
            let status = response.status();
            let is_whole = response.into_body().collect().await.is_ok();
            answered = u64::saturating_add(answered, u64::from(is_whole && status == 200));
        }
        connection.abort();
    }
    Ok(answered)
}
