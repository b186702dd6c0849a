//! A load generator that counts its streams as the filter must.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Result;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Builder, task::JoinSet};

/// Timeout of a request.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The labels of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StreamLabels {
    /// The operation, in these tests the first segment of the path.
    pub(super) operation: String,
    pub(super) method: String,
    /// The status code, `0` without a response.
    pub(super) code: String,
    /// The gRPC status, empty for other requests.
    pub(super) grpc: String,
}

/// Numbers of streams sent.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamCounts {
    /// Streams by labels.
    pub(super) streams: BTreeMap<StreamLabels, u64>,
    /// Failed streams by operation and method.
    pub(super) errors: BTreeMap<(String, String), u64>,
    /// Streams reset by the client.
    pub(super) client_resets: u64,
}

impl StreamCounts {
    /// Returns the number of streams.
    pub(super) fn total(&self) -> u64 {
        self.streams.values().sum()
    }

    /// Counts a stream.
    pub(super) fn record(&mut self, row: StreamLabels, is_error: bool) {
        if is_error {
            let errors = self.errors.entry((row.operation.clone(), row.method.clone()));
            let errors = errors.or_default();
            *errors = errors.saturating_add(1);
        }
        let known = self.streams.entry(row).or_default();
        *known = known.saturating_add(1);
    }

    /// Adds the counts of `other`.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, count) in other.streams {
            let known = self.streams.entry(key).or_default();
            *known = known.saturating_add(count);
        }
        for (key, count) in other.errors {
            let known = self.errors.entry(key).or_default();
            *known = known.saturating_add(count);
        }
        self.client_resets = self.client_resets.saturating_add(other.client_resets);
    }
}

/// Sends the requests `make(0)` to `make(count - 1)` over `connections` connections.
pub(super) fn run(
    address: SocketAddr,
    count: u64,
    connections: u64,
    make: fn(u64) -> Request<Full<Bytes>>,
) -> Result<StreamCounts> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut workers = JoinSet::new();
        for first in 0..connections {
            let numbers = (first..count).step_by(usize::try_from(connections)?);
            workers.spawn(connection(address, numbers, make));
        }
        let mut counts = StreamCounts::default();
        while let Some(more) = workers.join_next().await {
            counts.merge(more??);
        }
        Ok(counts)
    })
}

async fn connection(
    address: SocketAddr,
    numbers: impl Iterator<Item = u64>,
    make: fn(u64) -> Request<Full<Bytes>>,
) -> Result<StreamCounts> {
    let mut counts = StreamCounts::default();
    let mut sender = None;
    for number in numbers {
        let request = make(number);
        let operation = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
        let method = request.method().to_string();
        let started = Instant::now();
        // A draining listener closes its connections. The request was not processed then.
        let response = loop {
            anyhow::ensure!(started.elapsed() < TIMEOUT, "no response within {TIMEOUT:?}");
            let open = match sender.take() {
                Some(open) => open,
                None => open(address).await?,
            };
            let mut open: http1::SendRequest<Full<Bytes>> = open;
            if open.ready().await.is_err() {
                continue;
            }
            let response = open.send_request(make(number)).await;
            if let Ok(response) = response {
                sender = Some(open);
                break response;
            }
        };
        let status = response.status();
        let is_whole = response.into_body().collect().await.is_ok();
        if !is_whole {
            sender = None;
        }
        let code = status.as_str().to_owned();
        let row = StreamLabels { operation, method, code, grpc: String::new() };
        counts.record(row, status.is_server_error() || !is_whole);
    }
    Ok(counts)
}

async fn open(address: SocketAddr) -> Result<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    Ok(sender)
}
