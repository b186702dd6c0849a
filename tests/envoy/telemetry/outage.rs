//! Outages and slowness of the collector under steady traffic.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::json;
use tests::{
    fake_collector::{Behaviour, FakeCollector},
    ports, process,
    scale::thorough,
};

use super::{
    collectors::{Fixture, Protocol, cluster, sample_all},
    steady_load::{KeepGoing, quantile, steady_load},
};

const WORKERS: u32 = 2;
/// Length of the outage.
const OUTAGE: Duration = Duration::from_secs(30);
/// Timeout of the recovery: the maximum backoff, plus time for an export and a tick.
const RECOVERY: Duration = Duration::from_secs(40);
/// Maximum size of the spans held by a worker: a queue of 1 MiB and four requests of 256 KiB.
const MAX_KEPT: u64 = (1 << 20) + 4 * (1 << 18);

/// Returns the ids of the spans that the application received, in the order of its requests.
fn received_spans(fixture: &Fixture) -> Vec<String> {
    let received = fixture.app.received();
    let spans = received.iter().map(|request| request.header("traceparent").join(""));
    spans.filter_map(|value| value.split('-').nth(2).map(str::to_owned)).collect()
}

fn collected(collector: &FakeCollector) -> BTreeSet<String> {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    collector.spans().into_iter().map(|span| hex(span.span_id)).collect()
}

#[test]
fn recovers_from_an_outage_and_accounts_for_every_span() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let address = collector.address();
    let mut config = sample_all(Protocol::Grpc, &json!({}));
    config["tracing"]["maxSpansPerSecond"] = json!(100_000);
    let mut fixture = Fixture::start(WORKERS, vec![cluster(Protocol::Grpc, address)], &config)?;
    let sent = || Ok::<_, anyhow::Error>(fixture.stats(["spans_sent_total"])?[0]);
    let keep_going = Arc::new(AtomicBool::new(true));
    let flag = Arc::clone(&keep_going);
    let ingress = fixture.envoy.address();
    let traffic = thread::spawn(move || {
        let keep_going: KeepGoing = Arc::new(move |_| flag.load(Ordering::Relaxed));
        steady_load(ingress, Duration::from_millis(8), &keep_going)
    });
    fixture.wait_until("sending spans", || Ok(sent()? >= 500))?;

    let mut arrived = collected(&collector);
    drop(collector);
    let (started, before) = (Instant::now(), fixture.envoy.memory()?);
    let (mut max_queued, mut max_memory) = (0, 0);
    process::wait_until("waiting for the end of the outage", OUTAGE * 2, || {
        max_queued = max_queued.max(fixture.stats(["queue_bytes"])?[0]);
        max_memory = max_memory.max(fixture.envoy.memory()?);
        Ok(started.elapsed() >= OUTAGE)
    })?;
    assert!(max_queued <= u64::from(WORKERS) * MAX_KEPT, "{max_queued} bytes queued");
    let growth = max_memory.saturating_sub(before);
    // The queued spans, encoded a second time while being sent, and a margin for Envoy itself.
    assert!(growth <= 16, "grew by {growth} MiB from {before} MiB");

    let before = sent()?;
    let collector = FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
    let restarted = Instant::now();
    let recovers = || Ok(sent()? > before);
    process::wait_until("sending again", RECOVERY, recovers)?;
    let pause = restarted.elapsed();
    // The queue drains within a few ticks. From then on no span may be lost.
    fixture
        .wait_until("draining the queue", || Ok(fixture.stats(["queue_bytes"])?[0] < 1 << 18))?;
    let recovered_from = received_spans(&fixture).len();
    let enough = recovered_from.saturating_add(1_000);
    fixture.wait_until("responding to more requests", || Ok(fixture.app.count() >= enough))?;
    keep_going.store(false, Ordering::Relaxed);
    let answered = traffic.join().map_err(|_| anyhow!("the load panicked"))??.len() as u64;
    fixture.settle()?;

    arrived.append(&mut collected(&collector));
    let names = ["spans_built_total", "spans_sent_total", "queue_bytes"];
    let [built, sent, queued] = fixture.stats(names)?;
    let dropped = fixture.accounted_spans()?.saturating_sub(sent);
    eprintln!(
        "{built} spans, {dropped} dropped, at most {max_queued} bytes queued, {growth} MiB growth, \
         sent again {pause:.1?} after the collector came back"
    );
    let received_spans = received_spans(&fixture);
    assert_eq!((answered, queued), (built, 0));
    assert_eq!(received_spans.len() as u64, built);
    // Responses to exports in flight at the stop were lost, so their spans were sent again.
    assert_eq!(arrived.len() as u64, sent);
    assert!(dropped > 0, "the outage did not fill the queues");
    assert!(arrived.iter().all(|id| received_spans.contains(id)));
    assert!(
        received_spans[recovered_from..].iter().all(|id| arrived.contains(id)),
        "lost after the recovery"
    );
    fixture.assert_no_trap()
}

#[test]
fn the_collectors_state_does_not_affect_request_latency() -> Result<()> {
    let hour = Duration::from_hours(1);
    let healthy = FakeCollector::start(Behaviour::Healthy)?;
    let hanging = FakeCollector::start(Behaviour::Slow(hour))?;
    let slow = FakeCollector::start(Behaviour::Slow(Duration::from_secs(1)))?;
    let closed_port = ports::loopback(ports::free()?);
    let states = [
        ("healthy", healthy.address()),
        ("down", closed_port),
        ("hanging", hanging.address()),
        ("slow", slow.address()),
    ];
    let config = sample_all(Protocol::Grpc, &json!({"maxBatchItems": 100}));
    let start = |(_, address)| Fixture::start(1, vec![cluster(Protocol::Grpc, address)], &config);
    let fixtures: Vec<Fixture> = states.into_iter().map(start).collect::<Result<_>>()?;
    let requests = thorough(400, 1_200);
    let keep_going: KeepGoing = Arc::new(move |number| number < requests);
    let mut rounds = vec![Vec::new(); fixtures.len()];
    for round in 0..thorough(7, 25) {
        // The order rotates, so that other load on the machine affects all alike.
        for offset in 0..fixtures.len() {
            let index = (offset + usize::try_from(round)?) % fixtures.len();
            let elapsed = steady_load(
                fixtures[index].envoy.address(),
                Duration::from_millis(10),
                &keep_going,
            )?;
            // The first round is the warm-up.
            if round > 0 {
                rounds[index].push(quantile(elapsed, 99));
            }
        }
    }
    let medians: Vec<Duration> = rounds.into_iter().map(|round| quantile(round, 50)).collect();
    for ((state, _), p99) in states.iter().zip(&medians) {
        eprintln!("collector {state}: the 99th percentile is {p99:.2?}");
        // The tolerance is for a busy machine. A request that waits for the collector exceeds it.
        let max = medians[0] * 2 + Duration::from_millis(10);
        assert!(*p99 <= max, "{state}: expected at most {max:?}, got {p99:?}");
    }
    for (fixture, (name, _)) in fixtures.iter().zip(states) {
        let [failures] = match name {
            "down" => fixture.stats(["export_failures_unavailable_total"])?,
            "hanging" => fixture.stats(["export_failures_timeout_total"])?,
            _ => [1],
        };
        assert!(failures > 0, "the collector was not {name}");
    }
    Ok(())
}
