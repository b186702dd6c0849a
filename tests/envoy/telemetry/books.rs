//! Many requests over many connections, and the books about them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Builder, task::JoinSet};

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What was sent and answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    /// Requests by their method and the status of the answer.
    pub(super) answered: BTreeMap<(String, u16), u64>,
}

impl Books {
    pub(super) fn total(&self) -> u64 {
        self.answered.values().sum()
    }

    /// Requests whose answer has a status that `wanted` accepts.
    pub(super) fn with_status(&self, wanted: impl Fn(u16) -> bool) -> u64 {
        self.answered.iter().filter(|((_, status), _)| wanted(*status)).map(|(_, n)| n).sum()
    }

    fn add(&mut self, other: Self) {
        for (key, count) in other.answered {
            let known = self.answered.entry(key).or_default();
            *known = known.saturating_add(count);
        }
    }
}

/// Sends `count` requests, the one with number n as `make(n)` says, over `connections` connections.
pub(super) fn run(
    address: SocketAddr,
    count: u64,
    connections: u64,
    make: fn(u64) -> Request<Full<Bytes>>,
) -> Result<Books> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut workers = JoinSet::new();
        for first in 0..connections {
            let numbers = (first..count).step_by(usize::try_from(connections)?);
            workers.spawn(connection(address, numbers, make));
        }
        let mut books = Books::default();
        while let Some(more) = workers.join_next().await {
            books.add(more??);
        }
        Ok(books)
    })
}

async fn connection(
    address: SocketAddr,
    numbers: impl Iterator<Item = u64>,
    make: fn(u64) -> Request<Full<Bytes>>,
) -> Result<Books> {
    let mut books = Books::default();
    let mut sender = None;
    for number in numbers {
        let method = make(number).method().to_string();
        let begun = Instant::now();
        // A listener that is replaced closes its connections; the request then was not taken.
        let answer = loop {
            anyhow::ensure!(begun.elapsed() < LIMIT, "no answer");
            let open = match sender.take() {
                Some(open) => open,
                None => open(address).await?,
            };
            let mut open: http1::SendRequest<Full<Bytes>> = open;
            if open.ready().await.is_err() {
                continue;
            }
            let answer = open.send_request(make(number)).await;
            if let Ok(answer) = answer {
                sender = Some(open);
                break answer;
            }
        };
        let status = answer.status().as_u16();
        answer.into_body().collect().await.context("a broken body")?;
        let known = books.answered.entry((method, status)).or_default();
        *known = known.saturating_add(1);
    }
    Ok(books)
}

async fn open(address: SocketAddr) -> Result<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    Ok(sender)
}
