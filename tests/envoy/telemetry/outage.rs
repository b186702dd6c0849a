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
    collectors::{Protocol, Rig, cluster, everything},
    steady::{GoesOn, quantile, steady},
};

const WORKERS: u32 = 2;
/// Length of the outage.
const OUTAGE: Duration = Duration::from_secs(30);
/// Timeout of the recovery: the maximum backoff, plus time for an export and a tick.
const RECOVERY: Duration = Duration::from_secs(40);
/// Maximum size of the spans held by a worker: a queue of 1 MiB and four requests of 256 KiB.
const MAX_KEPT: u64 = (1 << 20) + 4 * (1 << 18);

/// Returns the ids of the spans that the application received, in the order of its requests.
fn told(rig: &Rig) -> Vec<String> {
    let received = rig.app.received();
    let spans = received.iter().map(|request| request.header("traceparent").join(""));
    spans.filter_map(|value| value.split('-').nth(2).map(str::to_owned)).collect()
}

fn collected(collector: &FakeCollector) -> BTreeSet<String> {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    collector.spans().into_iter().map(|span| hex(span.span_id)).collect()
}

#[test]
fn half_a_minute_without_a_collector_heals_by_itself_and_every_span_is_accounted_for() -> Result<()>
{
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let address = collector.address();
    let mut config = everything(Protocol::Grpc, &json!({}));
    config["tracing"]["maxSpansPerSecond"] = json!(100_000);
    let mut rig = Rig::start(WORKERS, vec![cluster(Protocol::Grpc, address)], &config)?;
    let sent = || Ok::<_, anyhow::Error>(rig.stats(["spans_sent_total"])?[0]);
    let goes_on = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&goes_on);
    let ingress = rig.envoy.address();
    let traffic = thread::spawn(move || {
        let goes_on: GoesOn = Arc::new(move |_| asked.load(Ordering::Relaxed));
        steady(ingress, Duration::from_millis(8), &goes_on)
    });
    rig.wait_until("sending spans", || Ok(sent()? >= 500))?;

    let mut arrived = collected(&collector);
    drop(collector);
    let (begun, before) = (Instant::now(), rig.envoy.memory()?);
    let (mut most_kept, mut most_used) = (0, 0);
    process::wait_until("through the outage", OUTAGE * 2, || {
        most_kept = most_kept.max(rig.stats(["queue_bytes"])?[0]);
        most_used = most_used.max(rig.envoy.memory()?);
        Ok(begun.elapsed() >= OUTAGE)
    })?;
    assert!(most_kept <= u64::from(WORKERS) * MAX_KEPT, "{most_kept} bytes queued");
    let grown = most_used.saturating_sub(before);
    // The queued spans, encoded a second time while being sent, and a margin for Envoy itself.
    assert!(grown <= 16, "grew by {grown} MiB from {before} MiB");

    let before = sent()?;
    let collector = FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
    let healed = Instant::now();
    let heals = || Ok(sent()? > before);
    process::wait_until("sending again", RECOVERY, heals)?;
    let pause = healed.elapsed();
    // The queue drains within a few ticks. From then on no span may be lost.
    rig.wait_until("draining the queue", || Ok(rig.stats(["queue_bytes"])?[0] < 1 << 18))?;
    let late = told(&rig).len();
    let enough = late.saturating_add(1_000);
    rig.wait_until("responding to more requests", || Ok(rig.app.count() >= enough))?;
    goes_on.store(false, Ordering::Relaxed);
    let answered = traffic.join().map_err(|_| anyhow!("the load panicked"))??.len() as u64;
    rig.settle()?;

    arrived.append(&mut collected(&collector));
    let names = ["spans_built_total", "spans_sent_total", "queue_bytes"];
    let [built, sent, queued] = rig.stats(names)?;
    let dropped = rig.accounted()?.saturating_sub(sent);
    eprintln!(
        "{built} spans, {dropped} dropped, at most {most_kept} bytes queued, {grown} MiB grown, \
         sent again {pause:.1?} after the collector came back"
    );
    let told = told(&rig);
    assert_eq!((answered, queued), (built, 0));
    assert_eq!(told.len() as u64, built);
    // Responses to exports in flight at the stop were lost, so their spans were sent again.
    assert_eq!(arrived.len() as u64, sent);
    assert!(dropped > 0, "the outage did not fill the queues");
    assert!(arrived.iter().all(|id| told.contains(id)));
    assert!(told[late..].iter().all(|id| arrived.contains(id)), "lost after the recovery");
    rig.assert_no_trap()
}

#[test]
fn the_state_of_the_collector_makes_no_difference_to_requests() -> Result<()> {
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
    let config = everything(Protocol::Grpc, &json!({"maxBatchItems": 100}));
    let start = |(_, address)| Rig::start(1, vec![cluster(Protocol::Grpc, address)], &config);
    let rigs: Vec<Rig> = states.into_iter().map(start).collect::<Result<_>>()?;
    let requests = thorough(400, 1_200);
    let goes_on: GoesOn = Arc::new(move |number| number < requests);
    let mut rounds = vec![Vec::new(); rigs.len()];
    for round in 0..thorough(7, 25) {
        // In rotating order, so that other load on the machine affects all alike.
        for offset in 0..rigs.len() {
            let index = (offset + usize::try_from(round)?) % rigs.len();
            let took = steady(rigs[index].envoy.address(), Duration::from_millis(10), &goes_on)?;
            // The first round is the warm-up.
            if round > 0 {
                rounds[index].push(quantile(took, 99));
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
    for (rig, (name, _)) in rigs.iter().zip(states) {
        let [failures] = match name {
            "down" => rig.stats(["export_failures_unavailable_total"])?,
            "hanging" => rig.stats(["export_failures_timeout_total"])?,
            _ => [1],
        };
        assert!(failures > 0, "the collector was not {name}");
    }
    Ok(())
}
