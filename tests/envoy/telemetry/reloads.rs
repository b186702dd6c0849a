//! No span is lost when the configuration or the module changes.

use std::{collections::BTreeSet, fs, thread};

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    bootstrap::Filter,
    fake_collector::{Behaviour, FakeCollector},
    ports, repository,
    scale::thorough,
};

use super::{
    FILTER,
    collectors::{Fixture, Protocol, cluster, sample_all},
    load::load,
};

/// Returns a `queue` with a long delay, so that its items are still queued at a reload.
fn long_delay() -> Value {
    json!({"maxBatchDelay": "60s"})
}

/// Returns the ids of the spans that the application received.
fn received_spans(fixture: &Fixture) -> BTreeSet<String> {
    let received = fixture.app.received();
    let spans = received.iter().map(|request| request.header("traceparent").join(""));
    spans.filter_map(|value| value.split('-').nth(2).map(str::to_owned)).collect()
}

fn collected(collector: &FakeCollector) -> BTreeSet<String> {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    collector.spans().into_iter().map(|span| hex(span.span_id)).collect()
}

/// Waits until the collector has every span that the application received.
fn wait_for_all(fixture: &Fixture, collector: &FakeCollector) -> Result<()> {
    let expected = received_spans(fixture);
    fixture.wait_until("collecting every span", || Ok(collected(collector).is_superset(&expected)))
}

/// Writes the module with an additional custom section, for which Envoy starts a new VM.
pub(super) fn other_module(folder: &TempDir) -> Result<String> {
    let path = folder.path().join("other.wasm");
    let mut module = fs::read(repository::module(FILTER)?)?;
    module.extend_from_slice(&[0, 5, 4, b't', b'e', b's', b't']);
    fs::write(&path, module)?;
    Ok(path.display().to_string())
}

#[test]
fn a_new_configuration_takes_over_the_queues() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let mut fixture = Fixture::start(2, clusters, &sample_all(Protocol::Grpc, &long_delay()))?;
    fixture.send(40)?;
    let [sent] = fixture.stats(["spans_sent_total"])?;
    assert_eq!(sent, 0, "no span was sent yet");
    let after = sample_all(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"}));
    fixture.envoy.reconfigure(&[Filter::new(FILTER, after)])?;
    fixture.send(40)?;
    wait_for_all(&fixture, &collector)?;
    fixture.settle()?;
    assert_eq!(
        fixture.stats(["spans_built_total", "spans_sent_total", "queue_bytes"])?,
        [80, 80, 0]
    );
    fixture.assert_no_trap()
}

#[test]
fn a_new_module_takes_over_the_queues() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Http, collector.address())];
    let mut fixture = Fixture::start(1, clusters, &sample_all(Protocol::Http, &long_delay()))?;
    fixture.send(20)?;
    let folder = tempfile::tempdir()?;
    let module = other_module(&folder)?;
    let after = sample_all(Protocol::Http, &json!({"maxBatchDelay": "200ms"}));
    fixture.envoy.reconfigure(&[Filter::new(FILTER, after).module(&module)])?;
    fixture.send(20)?;
    wait_for_all(&fixture, &collector)?;
    fixture.settle()?;
    assert_eq!(
        fixture.stats(["spans_built_total", "spans_sent_total", "queue_bytes"])?,
        [40, 40, 0]
    );
    fixture.assert_no_trap()
}

#[test]
fn loses_no_span_under_traffic_and_reloads() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let config = |items: u32| {
        let queue = json!({"maxBatchItems": items, "maxItems": 65_536, "maxBytes": 16_777_216});
        let mut config = sample_all(Protocol::Grpc, &queue);
        config["tracing"]["maxSpansPerSecond"] = json!(100_000);
        config
    };
    let mut fixture = Fixture::start(4, clusters, &config(500))?;
    let folder = tempfile::tempdir()?;
    let module = other_module(&folder)?;
    let address = fixture.envoy.address();
    let traffic = thread::spawn(move || load(address, 8, thorough(10_000, 100_000)));
    fixture.envoy.reconfigure(&[Filter::new(FILTER, config(501))])?;
    fixture.envoy.reconfigure(&[Filter::new(FILTER, config(502)).module(&module)])?;
    let answered = traffic.join().map_err(|_| anyhow!("the load panicked"))??;
    assert!(answered > thorough(9_000, 99_000), "{answered}");
    wait_for_all(&fixture, &collector)?;
    fixture.settle()?;
    let [built, sent] = fixture.stats(["spans_built_total", "spans_sent_total"])?;
    // A request reset by a draining listener may have a span without reaching the application.
    assert_eq!((built, sent), (collected(&collector).len() as u64, built));
    fixture.assert_no_trap()
}

#[test]
fn drops_and_counts_spans_of_a_removed_provider() -> Result<()> {
    let address = ports::loopback(ports::free()?);
    let clusters = vec![cluster(Protocol::Grpc, address)];
    let mut fixture = Fixture::start(1, clusters, &sample_all(Protocol::Grpc, &long_delay()))?;
    fixture.send(10)?;
    let mut after = sample_all(Protocol::Grpc, &long_delay());
    after["extensionProviders"][0]["name"] = json!("other");
    fixture.envoy.reconfigure(&[Filter::new(FILTER, after)])?;
    fixture.settle()?;
    let names = ["spans_built_total", "spans_dropped_reconfigured_total", "queue_bytes"];
    assert_eq!(fixture.stats(names)?, [10, 10, 0]);
    Ok(())
}
