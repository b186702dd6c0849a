//! Connections as keys.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use http_body_util::Empty;
use hyper::{Request, body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::{net::TcpStream, runtime::Builder};

use super::{Fixture, connections::KeptAlive, limit};

#[test]
fn each_connection_has_its_own_count() -> Result<()> {
    let key = json!([{"connection": true}]);
    let config = limit(json!({"name": "c", "requests": 2, "per": "1h", "key": key}));
    let fixture = Fixture::start_with(2, &config)?;
    let mut connections =
        (0..4).map(|_| KeptAlive::open(fixture.envoy.address())).collect::<Result<Vec<_>>>()?;
    for expected in [200, 200, 429] {
        for connection in &mut connections {
            assert_eq!(connection.status("/")?, expected);
        }
    }
    for _ in 0..2 {
        assert_eq!(http2_statuses(fixture.envoy.address(), 4)?, [200, 200, 429, 429]);
    }
    Ok(())
}

/// Sends requests one after the other on a new HTTP/2 connection.
fn http2_statuses(address: SocketAddr, count: usize) -> Result<Vec<u16>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = TokioIo::new(TcpStream::connect(address).await?);
        let handshake = http2::handshake(TokioExecutor::new(), socket);
        let (mut sender, connection) = handshake.await?;
        tokio::spawn(connection);
        let mut statuses = Vec::new();
        for _ in 0..count {
            let request = Request::get("http://a/");
            let request = request.body(Empty::<Bytes>::new())?;
            let response = sender.send_request(request).await.context("no response")?;
            statuses.push(response.status().as_u16());
        }
        Ok(statuses)
    })
}
