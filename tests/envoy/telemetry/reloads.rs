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
    collectors::{Protocol, Rig, cluster, everything},
    load::load,
};

/// Returns a `queue` with a long delay, so that its items are still queued at a reload.
fn patient() -> Value {
    json!({"maxBatchDelay": "60s"})
}

/// Returns the ids of the spans that the application received.
fn told(rig: &Rig) -> BTreeSet<String> {
    let received = rig.app.received();
    let spans = received.iter().map(|request| request.header("traceparent").join(""));
    spans.filter_map(|value| value.split('-').nth(2).map(str::to_owned)).collect()
}

fn collected(collector: &FakeCollector) -> BTreeSet<String> {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    collector.spans().into_iter().map(|span| hex(span.span_id)).collect()
}

/// Waits until the collector has every span that the application received.
fn wait_for_all(rig: &Rig, collector: &FakeCollector) -> Result<()> {
    let wanted = told(rig);
    rig.wait_until("collecting every span", || Ok(collected(collector).is_superset(&wanted)))
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
fn a_new_configuration_inherits_the_queues() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let mut rig = Rig::start(2, clusters, &everything(Protocol::Grpc, &patient()))?;
    rig.send(40)?;
    let [sent] = rig.stats(["spans_sent_total"])?;
    assert_eq!(sent, 0, "no span was sent yet");
    let after = everything(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"}));
    rig.envoy.reconfigure(&[Filter::new(FILTER, after)])?;
    rig.send(40)?;
    wait_for_all(&rig, &collector)?;
    rig.settle()?;
    assert_eq!(rig.stats(["spans_built_total", "spans_sent_total", "queue_bytes"])?, [80, 80, 0]);
    rig.assert_no_trap()
}

#[test]
fn a_new_module_inherits_the_queues() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Http, collector.address())];
    let mut rig = Rig::start(1, clusters, &everything(Protocol::Http, &patient()))?;
    rig.send(20)?;
    let folder = tempfile::tempdir()?;
    let module = other_module(&folder)?;
    let after = everything(Protocol::Http, &json!({"maxBatchDelay": "200ms"}));
    rig.envoy.reconfigure(&[Filter::new(FILTER, after).module(&module)])?;
    rig.send(20)?;
    wait_for_all(&rig, &collector)?;
    rig.settle()?;
    assert_eq!(rig.stats(["spans_built_total", "spans_sent_total", "queue_bytes"])?, [40, 40, 0]);
    rig.assert_no_trap()
}

#[test]
fn no_span_is_lost_while_traffic_and_changes_go_on() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let config = |items: u32| {
        let queue = json!({"maxBatchItems": items, "maxItems": 65_536, "maxBytes": 16_777_216});
        let mut config = everything(Protocol::Grpc, &queue);
        config["tracing"]["maxSpansPerSecond"] = json!(100_000);
        config
    };
    let mut rig = Rig::start(4, clusters, &config(500))?;
    let folder = tempfile::tempdir()?;
    let module = other_module(&folder)?;
    let address = rig.envoy.address();
    let traffic = thread::spawn(move || load(address, 8, thorough(10_000, 100_000)));
    rig.envoy.reconfigure(&[Filter::new(FILTER, config(501))])?;
    rig.envoy.reconfigure(&[Filter::new(FILTER, config(502)).module(&module)])?;
    let answered = traffic.join().map_err(|_| anyhow!("the load panicked"))??;
    assert!(answered > thorough(9_000, 99_000), "{answered}");
    wait_for_all(&rig, &collector)?;
    rig.settle()?;
    let [built, sent] = rig.stats(["spans_built_total", "spans_sent_total"])?;
    // A request reset by a draining listener may have a span without reaching the application.
    assert_eq!((built, sent), (collected(&collector).len() as u64, built));
    rig.assert_no_trap()
}

#[test]
fn spans_of_a_provider_that_is_gone_are_dropped_and_counted() -> Result<()> {
    let address = ports::loopback(ports::free()?);
    let clusters = vec![cluster(Protocol::Grpc, address)];
    let mut rig = Rig::start(1, clusters, &everything(Protocol::Grpc, &patient()))?;
    rig.send(10)?;
    let mut after = everything(Protocol::Grpc, &patient());
    after["extensionProviders"][0]["name"] = json!("other");
    rig.envoy.reconfigure(&[Filter::new(FILTER, after)])?;
    rig.settle()?;
    let names = ["spans_built_total", "spans_dropped_reconfigured_total", "queue_bytes"];
    assert_eq!(rig.stats(names)?, [10, 10, 0]);
    Ok(())
}
