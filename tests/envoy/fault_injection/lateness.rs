//! Accuracy of delays, compared with Envoy's own filter in the same run.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::json;
use tests::{bootstrap::Setup, envoy::Envoy, scale::thorough, upstream::Upstream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    task::JoinSet,
};

use super::{always, filter, native::native};

const DELAY: Duration = Duration::from_millis(500);

/// Returns the time from sending a request to the first byte of the response.
async fn wait(mut socket: TcpStream) -> Result<Duration> {
    let begun = Instant::now();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await?;
    let mut head = [0; 12];
    socket.read_exact(&mut head).await?;
    let waited = begun.elapsed();
    if &head == b"HTTP/1.1 200" { Ok(waited) } else { Err(anyhow!("the status is not 200")) }
}

/// Returns the waiting times of this many concurrent clients.
fn waits(address: SocketAddr, clients: usize) -> Result<Vec<Duration>> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut sockets = Vec::with_capacity(clients);
        for _ in 0..clients {
            sockets.push(TcpStream::connect(address).await?);
        }
        let mut tasks: JoinSet<_> = sockets.into_iter().map(wait).collect();
        let mut waits = Vec::with_capacity(clients);
        while let Some(waited) = tasks.join_next().await {
            waits.push(waited??);
        }
        Ok(waits)
    })
}

/// The 50th and 99th percentile of the time by which a delay is exceeded.
#[derive(Clone, Copy, Debug)]
struct Lateness {
    half: Duration,
    nearly_all: Duration,
}

impl Lateness {
    fn of(mut waits: Vec<Duration>) -> Self {
        waits.sort();
        let at = |part: usize| {
            let index = waits.len().saturating_mul(part).checked_div(100).unwrap_or_default();
            waits.get(index).or(waits.last()).map_or(DELAY, |waited| waited.saturating_sub(DELAY))
        };
        Self { half: at(50), nearly_all: at(99) }
    }

    /// Returns `true` if it is not much worse than `other`. The tolerance is for a busy machine.
    fn is_near(self, other: Self) -> bool {
        let near = |ours: Duration, theirs: Duration, room| {
            ours <= theirs.saturating_mul(3).checked_div(2).unwrap_or(theirs).saturating_add(room)
        };
        near(self.half, other.half, Duration::from_millis(4))
            && near(self.nearly_all, other.nearly_all, Duration::from_millis(10))
    }
}

/// Maximum number of attempts, for a busy machine.
const TRIES: u64 = 5;

/// Returns the filter's own histogram of lateness: of the last interval and in total.
fn told(envoy: &Envoy) -> Result<String> {
    Ok(envoy.admin().get("/stats?filter=weir_fault_injection_late_ms")?.text())
}

#[test]
fn nothing_goes_on_early_and_nothing_much_later_than_natively() -> Result<()> {
    let app = Upstream::start()?;
    let start =
        |filter| Envoy::start(Setup { concurrency: 2, ..Setup::new(app.address(), vec![filter]) });
    let share = json!({"numerator": 100, "denominator": "HUNDRED"});
    let natives = start(native(json!({"delay": {"fixed_delay": "0.5s", "percentage": share}})))?;
    let envoy = start(filter(&always(json!({"delay": {"fixedDelay": "500ms"}}))))?;
    for (clients, rounds) in [(1, 24), (100, 6), (1_000, 3)] {
        let mut is_near = false;
        for _ in 0..thorough(TRIES, 2 * TRIES) {
            let (mut by_us, mut by_envoy) = (Vec::new(), Vec::new());
            // Alternately, so that other load on the machine affects both.
            for _ in 0..rounds {
                by_us.extend(waits(envoy.address(), clients)?);
                by_envoy.extend(waits(natives.address(), clients)?);
            }
            assert!(by_us.iter().all(|waited| *waited >= DELAY), "a delay was too short");
            let (ours, theirs) = (Lateness::of(by_us), Lateness::of(by_envoy));
            eprintln!("{clients} clients: late by {ours:?}, native {theirs:?}");
            is_near |= ours.is_near(theirs);
            if is_near && thorough(0, 1) == 0 {
                break;
            }
        }
        eprintln!("{}", told(&envoy)?);
        assert!(is_near, "{clients} clients: later than the native filter in every attempt");
    }
    Ok(())
}
