//! Changes of the configuration and of the module: no span is lost.

use std::{collections::BTreeSet, fs};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::Filter,
    fake_collector::{Behaviour, FakeCollector},
    ports, process, repository,
};

use super::{
    FILTER,
    collectors::{Protocol, Rig, SOON, cluster, everything},
};

/// A queue whose items wait long, so that a reload finds them there.
fn patient() -> Value {
    json!({"maxBatchDelay": "60s"})
}

/// The spans that the application was told of.
fn told(rig: &Rig) -> BTreeSet<String> {
    let received = rig.app.received();
    let spans = received.iter().map(|it| it.header("traceparent").join(""));
    spans.filter_map(|value| value.split('-').nth(2).map(str::to_owned)).collect()
}

fn collected(collector: &FakeCollector) -> BTreeSet<String> {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    collector.spans().into_iter().map(|span| hex(span.span_id)).collect()
}

/// Waits until the collector has every span that the application was told of.
fn wait_for_all(rig: &Rig, collector: &FakeCollector) -> Result<()> {
    let wanted = told(rig);
    process::wait_until("collecting every span", SOON, || Ok(collected(collector) == wanted))
}

#[test]
fn a_new_configuration_inherits_the_queues() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let mut rig = Rig::start(2, clusters, &everything(Protocol::Grpc, &patient()))?;
    rig.send(40)?;
    let [sent] = rig.stats(["spans_sent_total"])?;
    assert_eq!(sent, 0, "all of them wait");
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
    let path = folder.path().join("other.wasm");
    let mut module = fs::read(repository::module(FILTER)?)?;
    // A section of our own makes it another module, for which Envoy starts another machine.
    module.extend_from_slice(&[0, 5, 4, b't', b'e', b's', b't']);
    fs::write(&path, module)?;
    let after = everything(Protocol::Http, &json!({"maxBatchDelay": "200ms"}));
    let filter = Filter::new(FILTER, after).module(&path.display().to_string());
    rig.envoy.reconfigure(&[filter])?;
    rig.send(20)?;
    wait_for_all(&rig, &collector)?;
    rig.settle()?;
    assert_eq!(rig.stats(["spans_built_total", "spans_sent_total", "queue_bytes"])?, [40, 40, 0]);
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
