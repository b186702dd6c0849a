//! Accuracy of delays, compared with Envoy's own filter in the same run.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::json;
use tests::{bootstrap::EnvoyOptions, envoy::Envoy, scale::thorough, upstream::Upstream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    task::JoinSet,
};

use super::{always, filter, native::native_fault};

const DELAY: Duration = Duration::from_millis(500);

/// Returns the time from sending a request to the first byte of the response.
async fn response_time(mut socket: TcpStream) -> Result<Duration> {
    let started = Instant::now();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await?;
    let mut head = [0; 12];
    socket.read_exact(&mut head).await?;
    let response_time = started.elapsed();
    if &head == b"HTTP/1.1 200" { Ok(response_time) } else { Err(anyhow!("the status is not 200")) }
}

/// Returns the waiting times of this many concurrent clients.
fn response_times(address: SocketAddr, clients: usize) -> Result<Vec<Duration>> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut sockets = Vec::with_capacity(clients);
        for _ in 0..clients {
            sockets.push(TcpStream::connect(address).await?);
        }
        let mut tasks: JoinSet<_> = sockets.into_iter().map(response_time).collect();
        let mut response_times = Vec::with_capacity(clients);
        while let Some(response_time) = tasks.join_next().await {
            response_times.push(response_time??);
        }
        Ok(response_times)
    })
}

/// The 50th and 99th percentile of the time by which a delay is exceeded.
#[derive(Clone, Copy, Debug)]
struct Lateness {
    p50: Duration,
    p99: Duration,
}

impl Lateness {
    fn of(mut response_times: Vec<Duration>) -> Self {
        response_times.sort();
        let at = |part: usize| {
            let index =
                response_times.len().saturating_mul(part).checked_div(100).unwrap_or_default();
            response_times
                .get(index)
                .or(response_times.last())
                .map_or(DELAY, |response_time| response_time.saturating_sub(DELAY))
        };
        Self { p50: at(50), p99: at(99) }
    }

    /// Returns `true` if it is not much worse than `other`. The tolerance is for a busy machine.
    fn is_close(self, other: Self) -> bool {
        let close = |ours: Duration, theirs: Duration, room| {
            ours <= theirs.saturating_mul(3).checked_div(2).unwrap_or(theirs).saturating_add(room)
        };
        close(self.p50, other.p50, Duration::from_millis(4))
            && close(self.p99, other.p99, Duration::from_millis(10))
    }
}

/// Maximum number of attempts, for a busy machine.
const ATTEMPTS: u64 = 5;

/// Returns the filter's own histogram of lateness: of the last interval and in total.
fn lateness_histogram(envoy: &Envoy) -> Result<String> {
    Ok(envoy.admin().get("/stats?filter=weir_fault_injection_late_ms")?.text())
}

#[test]
fn delays_are_never_short_and_as_accurate_as_native() -> Result<()> {
    let app = Upstream::start()?;
    let start = |filter| {
        Envoy::start(EnvoyOptions {
            concurrency: 2,
            ..EnvoyOptions::new(app.address(), vec![filter])
        })
    };
    let share = json!({"numerator": 100, "denominator": "HUNDRED"});
    let native_envoy =
        start(native_fault(json!({"delay": {"fixed_delay": "0.5s", "percentage": share}})))?;
    let envoy = start(filter(&always(json!({"delay": {"fixedDelay": "500ms"}}))))?;
    for (clients, rounds) in [(1, 24), (100, 6), (1_000, 3)] {
        let mut is_close = false;
        for _ in 0..thorough(ATTEMPTS, 2 * ATTEMPTS) {
            let (mut by_us, mut by_envoy) = (Vec::new(), Vec::new());
            // Alternates between both proxies, so that other load on the machine affects both.
            for _ in 0..rounds {
                by_us.extend(response_times(envoy.address(), clients)?);
                by_envoy.extend(response_times(native_envoy.address(), clients)?);
            }
            assert!(
                by_us.iter().all(|response_time| *response_time >= DELAY),
                "a delay was too short"
            );
            let (ours, theirs) = (Lateness::of(by_us), Lateness::of(by_envoy));
            eprintln!("{clients} clients: late by {ours:?}, native {theirs:?}");
            is_close |= ours.is_close(theirs);
            if is_close && thorough(0, 1) == 0 {
                break;
            }
        }
        eprintln!("{}", lateness_histogram(&envoy)?);
        assert!(is_close, "{clients} clients: later than the native filter in every attempt");
    }
    Ok(())
}
