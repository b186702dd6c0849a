//! Load at a fixed rate.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Result;
use hyper::StatusCode;
use tokio::{
    runtime::Builder,
    task::{JoinSet, yield_now},
};

use super::Client;
use crate::variants::HeaderList;

/// Time in which all connections are opened.
const LEAD: Duration = Duration::from_millis(20);

/// Sends `rate` requests per second for `time`; returns the latency of each.
///
/// Requests are due at fixed times, and a latency begins when the request is due. A slow response
/// therefore also delays the later requests on its connection, as it would delay real clients.
///
/// # Errors
///
/// Fails on a lost connection or another status than 200.
pub(crate) fn latencies(
    address: SocketAddr,
    headers: &HeaderList,
    connections: usize,
    rate: u32,
    time: Duration,
) -> Result<Vec<Duration>> {
    let start = Instant::now().checked_add(LEAD).unwrap_or_else(Instant::now);
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut workers = JoinSet::new();
        for connection in 0..connections {
            let due: Vec<Instant> = schedule(rate, connections, connection, time)
                .filter_map(|after| start.checked_add(after))
                .collect();
            workers.spawn(follow(address, headers.clone(), due));
        }
        let mut all = Vec::new();
        while let Some(latencies) = workers.join_next().await {
            all.extend(latencies??);
        }
        Ok(all)
    })
}

/// Returns when the requests of one connection are due. The connections take turns.
fn schedule(
    rate: u32,
    connections: usize,
    connection: usize,
    time: Duration,
) -> impl Iterator<Item = Duration> {
    (connection..)
        .step_by(connections.max(1))
        .map(move |request| Duration::from_secs_f64(request as f64 / f64::from(rate.max(1))))
        .take_while(move |due| *due < time)
}

async fn follow(
    address: SocketAddr,
    headers: HeaderList,
    due: Vec<Instant>,
) -> Result<Vec<Duration>> {
    let mut client = Client::connect(address, headers).await?;
    let mut latencies = Vec::with_capacity(due.len());
    for due in due {
        // Timers have a resolution of a millisecond, which is longer than most latencies.
        while Instant::now() < due {
            yield_now().await;
        }
        client.exchange(StatusCode::OK).await?;
        latencies.push(due.elapsed());
    }
    client.close().await?;
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_turns() {
        let time = Duration::from_millis(10);
        let due = |connection| -> Vec<u128> {
            schedule(1000, 4, connection, time).map(|due| due.as_millis()).collect()
        };
        assert_eq!(due(0), [0, 4, 8]);
        assert_eq!(due(3), [3, 7]);
    }

    #[test]
    fn all_requests_of_the_rate_are_due() {
        let time = Duration::from_secs(1);
        let all = (0..16).map(|connection| schedule(2000, 16, connection, time).count());
        assert_eq!(all.sum::<usize>(), 2000);
    }
}
