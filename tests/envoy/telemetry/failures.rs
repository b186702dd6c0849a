//! Failures of the collector: every span is accounted for, and the export recovers without a restart.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tests::{
    fake_collector::{Behaviour, FakeCollector},
    ports,
    scale::thorough,
};

use super::{
    collectors::{Protocol, Rig, cluster, everything},
    load::load,
};

/// Returns a `queue` with small batches and a short delay.
fn small() -> Value {
    json!({"maxBatchItems": 10, "maxBatchDelay": "200ms"})
}

fn start(protocol: Protocol, collector: &FakeCollector, queue: &Value) -> Result<Rig> {
    let clusters = vec![cluster(protocol, collector.address())];
    Rig::start(1, clusters, &everything(protocol, queue))
}

/// Returns the number of distinct spans that the collector has.
fn unique(collector: &FakeCollector) -> usize {
    collector.spans().into_iter().map(|span| span.span_id).collect::<BTreeSet<_>>().len()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Encodes a `google.rpc.Status` with a `RetryInfo` of this many seconds as a trailer value.
fn retry_info(seconds: u8) -> String {
    let url = b"type.googleapis.com/google.rpc.RetryInfo";
    let any = [&[10, 40][..], url, &[18, 4, 10, 2, 8, seconds]].concat();
    let length = u8::try_from(any.len()).unwrap_or_default();
    BASE64_STANDARD.encode([&[26, length][..], &any].concat())
}

fn wait_for(rig: &Rig, name: &str, least: u64) -> Result<()> {
    let what = format!("counting {least} in {name}");
    rig.wait_until(&what, || {
        let [value] = rig.stats([name])?;
        Ok(value >= least)
    })
}

#[test]
fn while_a_collector_is_down_nothing_that_fits_is_lost() -> Result<()> {
    for protocol in Protocol::BOTH {
        let address = ports::loopback(ports::free()?);
        let config = everything(protocol, &small());
        let mut rig = Rig::start(2, vec![cluster(protocol, address)], &config)?;
        rig.send(50)?;
        wait_for(&rig, "export_failures_unavailable_total", 3)?;
        let collector =
            FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
        rig.settle()?;
        let names = ["spans_built_total", "spans_sent_total", "queue_bytes"];
        assert_eq!(rig.stats(names)?, [50, 50, 0]);
        assert_eq!(unique(&collector), 50);
        rig.assert_no_trap()?;
    }
    Ok(())
}

#[test]
fn what_does_not_fit_is_dropped_and_counted_and_the_oldest_goes_first() -> Result<()> {
    let address = ports::loopback(ports::free()?);
    let queue = json!({"maxItems": 64, "maxBatchItems": 1, "maxBatchDelay": "200ms"});
    let rig =
        Rig::start(1, vec![cluster(Protocol::Grpc, address)], &everything(Protocol::Grpc, &queue))?;
    rig.send(500)?;
    wait_for(&rig, "spans_dropped_full_total", 500 - 64 - 4)?;
    let collector = FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
    rig.settle()?;
    let [built, sent, dropped] =
        rig.stats(["spans_built_total", "spans_sent_total", "spans_dropped_full_total"])?;
    assert_eq!(built, 500);
    assert_eq!(sent + dropped, 500);
    assert!((64..=68).contains(&sent), "{sent}");
    assert_eq!(unique(&collector) as u64, sent);
    let newest = rig.app.received().last().map(|request| request.header("traceparent")[0].to_owned());
    let newest = newest.unwrap_or_default();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(collector.spans().iter().any(|span| newest.contains(&hex(&span.span_id))));
    Ok(())
}

#[test]
fn an_answer_that_takes_too_long_is_asked_for_again() -> Result<()> {
    for protocol in Protocol::BOTH {
        let collector = FakeCollector::start(Behaviour::Slow(Duration::from_secs(3)))?;
        let mut config = everything(protocol, &small());
        let field = if protocol == Protocol::Grpc { "grpc" } else { "http" };
        config["extensionProviders"][0]["opentelemetry"][field] = json!({"timeout": "100ms"});
        let rig = Rig::start(1, vec![cluster(protocol, collector.address())], &config)?;
        rig.send(20)?;
        wait_for(&rig, "export_failures_timeout_total", 2)?;
        collector.behave(Behaviour::Healthy);
        rig.settle()?;
        let [sent, retries] = rig.stats(["spans_sent_total", "export_retries_total"])?;
        assert_eq!(sent, 20);
        assert!(retries >= 2, "{retries}");
        assert_eq!(unique(&collector), 20);
    }
    Ok(())
}

#[test]
fn a_collector_that_asks_to_be_spared_is_spared() -> Result<()> {
    let details = retry_info(2);
    let exhausted = [("grpc-status", "8"), ("grpc-status-details-bin", &*details)];
    for (protocol, behaviour) in [
        (Protocol::Http, Behaviour::Status(429, pairs(&[("retry-after", "2")]))),
        (Protocol::Grpc, Behaviour::Grpc(pairs(&exhausted))),
    ] {
        let collector = FakeCollector::start(behaviour)?;
        let rig = start(protocol, &collector, &small())?;
        rig.send(5)?;
        wait_for(&rig, "export_failures_throttled_total", 1)?;
        collector.behave(Behaviour::Healthy);
        rig.settle()?;
        assert_eq!(rig.stats(["spans_sent_total", "spans_dropped_refused_total"])?, [5, 0]);
        let requests = collector.requests();
        let [first, second, ..] = requests.as_slice() else { anyhow::bail!("{requests:?}") };
        let pause = second.duration_since(*first);
        assert!((2.0..4.0).contains(&pause.as_secs_f64()), "{pause:?}");
    }
    Ok(())
}

#[test]
fn a_collector_that_says_no_is_not_asked_again() -> Result<()> {
    for (protocol, behaviour, said) in [
        (Protocol::Grpc, Behaviour::Grpc(pairs(&[("grpc-status", "8")])), "RESOURCE_EXHAUSTED"),
        (
            Protocol::Grpc,
            Behaviour::Grpc(pairs(&[("grpc-status", "3"), ("grpc-message", "bad%20span")])),
            "INVALID_ARGUMENT: bad span",
        ),
        (Protocol::Http, Behaviour::Status(400, Vec::new()), "status 400"),
    ] {
        let collector = FakeCollector::start(behaviour)?;
        let mut rig = start(protocol, &collector, &small())?;
        rig.send(5)?;
        rig.settle()?;
        let names = ["spans_dropped_refused_total", "spans_sent_total", "export_retries_total"];
        assert_eq!(rig.stats(names)?, [5, 0, 0]);
        rig.envoy.wait_for_log(said)?;
        collector.behave(Behaviour::Healthy);
        rig.send(5)?;
        wait_for(&rig, "spans_sent_total", 5)?;
    }
    Ok(())
}

#[test]
fn rejected_spans_are_counted_and_told() -> Result<()> {
    for protocol in Protocol::BOTH {
        let collector = FakeCollector::start(Behaviour::Partial(3))?;
        let mut rig = start(protocol, &collector, &json!({"maxBatchItems": 10}))?;
        rig.send(10)?;
        rig.settle()?;
        let [built, sent, rejected] =
            rig.stats(["spans_built_total", "spans_sent_total", "spans_rejected_total"])?;
        assert_eq!(built, 10);
        assert_eq!((sent, rejected), (unique(&collector) as u64, collector.refused() as u64));
        assert!(rejected >= 3, "{rejected}");
        rig.envoy.wait_for_log("rejected: no room")?;
    }
    Ok(())
}

#[test]
fn garbage_and_huge_answers_do_no_harm() -> Result<()> {
    for protocol in Protocol::BOTH {
        for bytes in [b"<html>".to_vec(), vec![0xff; 10 << 20]] {
            let collector = FakeCollector::start(Behaviour::Garbage(bytes))?;
            let mut rig = start(protocol, &collector, &small())?;
            rig.send(20)?;
            rig.settle()?;
            assert_eq!(rig.stats(["spans_built_total", "spans_sent_total"])?, [20, 20]);
            assert_eq!(unique(&collector), 20);
            rig.assert_no_trap()?;
        }
    }
    Ok(())
}

#[test]
fn an_unknown_cluster_is_named_once_and_costs_no_request() -> Result<()> {
    let mut config = everything(Protocol::Grpc, &small());
    config["extensionProviders"][0]["opentelemetry"]["service"] =
        json!("nowhere.svc.cluster.local");
    let mut rig = Rig::start(1, Vec::new(), &config)?;
    rig.send(30)?;
    wait_for(&rig, "export_failures_unknown_cluster_total", 3)?;
    rig.envoy.wait_for_log("is there a ServiceEntry")?;
    let [failures, timeouts] =
        rig.stats(["export_failures_unknown_cluster_total", "export_failures_timeout_total"])?;
    assert!((3..20).contains(&failures), "{failures}");
    assert_eq!(timeouts, 0);
    let log = rig.envoy.stop()?;
    assert_eq!(log.matches("is there a ServiceEntry").count(), 1, "{log}");
    Ok(())
}

#[test]
fn secrets_reach_the_collector_and_no_log() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Status(401, Vec::new()))?;
    let mut config = everything(Protocol::Http, &small());
    let headers = json!([{"name": "x-api-key", "value": "hunter2"}]);
    config["extensionProviders"][0]["opentelemetry"]["http"] = json!({"headers": headers});
    let clusters = vec![cluster(Protocol::Http, collector.address())];
    let mut rig = Rig::start(1, clusters, &config)?;
    rig.send(3)?;
    rig.settle()?;
    let has_key =
        |headers: &hyper::HeaderMap| headers.get("x-api-key").is_some_and(|key| key == "hunter2");
    assert!(collector.headers().iter().all(has_key));
    let log = rig.envoy.stop()?;
    assert!(!log.contains("hunter2"), "{log}");
    Ok(())
}

#[test]
fn memory_stays_where_it_is_while_a_collector_is_down() -> Result<()> {
    let address = ports::loopback(ports::free()?);
    let mut config = everything(Protocol::Grpc, &json!({}));
    config["tracing"]["maxSpansPerSecond"] = json!(100_000);
    let rig = Rig::start(4, vec![cluster(Protocol::Grpc, address)], &config)?;
    // This fills every queue: it holds up to 4,096 spans and up to 1 MiB.
    load(rig.envoy.address(), 16, 40_000)?;
    wait_for(&rig, "spans_dropped_full_total", 10_000)?;
    let before = rig.envoy.memory()?;
    load(rig.envoy.address(), 16, thorough(40_000, 1_000_000))?;
    let grown = rig.envoy.memory()?.saturating_sub(before);
    assert!(grown < 16, "grew by {grown} MiB from {before} MiB");
    let [queued] = rig.stats(["queue_bytes"])?;
    assert!(queued <= 4 * 2 * 1_048_576, "{queued}");
    let collector = FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
    rig.settle()?;
    let [sent] = rig.stats(["spans_sent_total"])?;
    assert_eq!(unique(&collector) as u64, sent);
    assert!(collector.largest() <= 262_144, "{}", collector.largest());
    Ok(())
}
