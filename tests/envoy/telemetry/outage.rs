//! A collector that is away for a while, or slow, under steady traffic.

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
/// How long the collector is away.
const OUTAGE: Duration = Duration::from_secs(30);
/// The longest pause between two probes, and time for the probe and a tick.
const RECOVERY: Duration = Duration::from_secs(40);
/// What a worker may keep of spans: a queue of 1 MiB and four requests of 256 KiB.
const MAX_KEPT: u64 = (1 << 20) + 4 * (1 << 18);

/// The ids of the spans that the application was told of, in the order of its requests.
fn told(rig: &Rig) -> Vec<String> {
    let received = rig.app.received();
    let spans = received.iter().map(|it| it.header("traceparent").join(""));
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
    assert!(most_kept <= u64::from(WORKERS) * MAX_KEPT, "{most_kept} bytes");
    let grown = most_used.saturating_sub(before);
    // What a worker may keep, encoded a second time while it is sent, and room for Envoy's own.
    assert!(grown <= 16, "{grown} MiB more than {before}");

    let before = sent()?;
    let collector = FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
    let healed = Instant::now();
    let heals = || Ok(sent()? > before);
    process::wait_until("sending again", RECOVERY, heals)?;
    let pause = healed.elapsed();
    // What is queued goes within some ticks; from then on nothing may be missing.
    rig.wait_until("rid of what was kept", || Ok(rig.stats(["queue_bytes"])?[0] < 1 << 18))?;
    let late = told(&rig).len();
    let enough = late.saturating_add(1_000);
    rig.wait_until("going on", || Ok(rig.app.count() >= enough))?;
    goes_on.store(false, Ordering::Relaxed);
    let answered = traffic.join().map_err(|_| anyhow!("the traffic failed"))??.len() as u64;
    rig.settle()?;

    arrived.append(&mut collected(&collector));
    let names = ["spans_built_total", "spans_sent_total", "queue_bytes"];
    let [built, sent, queued] = rig.stats(names)?;
    let dropped = rig.accounted()?.saturating_sub(sent);
    eprintln!(
        "{built} spans, {dropped} dropped, {most_kept} bytes kept at most, {grown} MiB grown, \
         sent again {pause:.1?} after the collector came back"
    );
    let told = told(&rig);
    assert_eq!((answered, queued), (built, 0));
    assert_eq!(told.len() as u64, built);
    // The answer to what was under way when the collector went was lost with it.
    assert_eq!(arrived.len() as u64, sent);
    assert!(dropped > 0, "the outage was long enough to fill the queues");
    assert!(arrived.iter().all(|id| told.contains(id)));
    assert!(told[late..].iter().all(|id| arrived.contains(id)), "lost after the collector healed");
    rig.assert_no_trap()
}

#[test]
fn the_state_of_the_collector_makes_no_difference_to_requests() -> Result<()> {
    let hour = Duration::from_hours(1);
    let healthy = FakeCollector::start(Behaviour::Healthy)?;
    let hanging = FakeCollector::start(Behaviour::Slow(hour))?;
    let slow = FakeCollector::start(Behaviour::Slow(Duration::from_secs(1)))?;
    let nobody = ports::loopback(ports::free()?);
    let states = [
        ("healthy", healthy.address()),
        ("down", nobody),
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
        // In another order each time, so that a disturbance hits all alike.
        for place in 0..rigs.len() {
            let place = (place + usize::try_from(round)?) % rigs.len();
            let took = steady(rigs[place].envoy.address(), Duration::from_millis(10), &goes_on)?;
            // In the first round everything is new to everybody.
            if round > 0 {
                rounds[place].push(quantile(took, 99));
            }
        }
    }
    let medians: Vec<Duration> = rounds.into_iter().map(|it| quantile(it, 50)).collect();
    for ((state, _), p99) in states.iter().zip(&medians) {
        eprintln!("with a collector that is {state}, 99 of 100 requests took at most {p99:.2?}");
        // A machine that does other things as well blurs this; a request that waits would be seen.
        let most = medians[0] * 2 + Duration::from_millis(10);
        assert!(*p99 <= most, "{state}: {p99:?} of at most {most:?}");
    }
    for (rig, (name, _)) in rigs.iter().zip(states) {
        let [failures] = match name {
            "down" => rig.stats(["export_failures_unavailable_total"])?,
            "hanging" => rig.stats(["export_failures_timeout_total"])?,
            _ => [1],
        };
        assert!(failures > 0, "the collector was to be {name}");
    }
    Ok(())
}
