//! Failures of the collector: all spans are accounted for, and exports recover without a restart.

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
    collectors::{Fixture, Protocol, cluster, sample_all},
    load::load,
};

/// Returns a `queue` with small batches and a short delay.
fn small_batches() -> Value {
    json!({"maxBatchItems": 10, "maxBatchDelay": "200ms"})
}

fn start(protocol: Protocol, collector: &FakeCollector, queue: &Value) -> Result<Fixture> {
    let clusters = vec![cluster(protocol, collector.address())];
    Fixture::start(1, clusters, &sample_all(protocol, queue))
}

/// Returns the number of distinct spans that the collector has.
fn distinct_spans(collector: &FakeCollector) -> usize {
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

fn wait_for(fixture: &Fixture, name: &str, least: u64) -> Result<()> {
    let what = format!("counting {least} in {name}");
    fixture.wait_until(&what, || {
        let [value] = fixture.stats([name])?;
        Ok(value >= least)
    })
}

#[test]
fn keeps_what_fits_while_the_collector_is_down() -> Result<()> {
    for protocol in Protocol::BOTH {
        let address = ports::loopback(ports::free()?);
        let config = sample_all(protocol, &small_batches());
        let mut fixture = Fixture::start(2, vec![cluster(protocol, address)], &config)?;
        fixture.send(50)?;
        wait_for(&fixture, "export_failures_unavailable_total", 3)?;
        let collector =
            FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
        fixture.settle()?;
        let names = ["spans_built_total", "spans_sent_total", "queue_bytes"];
        assert_eq!(fixture.stats(names)?, [50, 50, 0]);
        assert_eq!(distinct_spans(&collector), 50);
        fixture.assert_no_trap()?;
    }
    Ok(())
}

#[test]
fn drops_and_counts_the_oldest_spans_of_a_full_queue() -> Result<()> {
    let address = ports::loopback(ports::free()?);
    let queue = json!({"maxItems": 64, "maxBatchItems": 1, "maxBatchDelay": "200ms"});
    let fixture = Fixture::start(
        1,
        vec![cluster(Protocol::Grpc, address)],
        &sample_all(Protocol::Grpc, &queue),
    )?;
    fixture.send(500)?;
    wait_for(&fixture, "spans_dropped_full_total", 500 - 64 - 4)?;
    let collector = FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
    fixture.settle()?;
    let [built, sent, dropped] =
        fixture.stats(["spans_built_total", "spans_sent_total", "spans_dropped_full_total"])?;
    assert_eq!(built, 500);
    assert_eq!(sent + dropped, 500);
    assert!((64..=68).contains(&sent), "{sent}");
    assert_eq!(distinct_spans(&collector) as u64, sent);
    let newest =
        fixture.app.received().last().map(|request| request.header("traceparent")[0].to_owned());
    let newest = newest.unwrap_or_default();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(collector.spans().iter().any(|span| newest.contains(&hex(&span.span_id))));
    Ok(())
}

#[test]
fn retries_after_a_timeout() -> Result<()> {
    for protocol in Protocol::BOTH {
        let collector = FakeCollector::start(Behaviour::Slow(Duration::from_secs(3)))?;
        let mut config = sample_all(protocol, &small_batches());
        let field = if protocol == Protocol::Grpc { "grpc" } else { "http" };
        config["extensionProviders"][0]["opentelemetry"][field] = json!({"timeout": "100ms"});
        let fixture = Fixture::start(1, vec![cluster(protocol, collector.address())], &config)?;
        fixture.send(20)?;
        wait_for(&fixture, "export_failures_timeout_total", 2)?;
        collector.set_behaviour(Behaviour::Healthy);
        fixture.settle()?;
        let [sent, retries] = fixture.stats(["spans_sent_total", "export_retries_total"])?;
        assert_eq!(sent, 20);
        assert!(retries >= 2, "{retries}");
        assert_eq!(distinct_spans(&collector), 20);
    }
    Ok(())
}

#[test]
fn honours_throttling() -> Result<()> {
    let details = retry_info(2);
    let exhausted = [("grpc-status", "8"), ("grpc-status-details-bin", &*details)];
    for (protocol, behaviour) in [
        (Protocol::Http, Behaviour::Status(429, pairs(&[("retry-after", "2")]))),
        (Protocol::Grpc, Behaviour::Grpc(pairs(&exhausted))),
    ] {
        let collector = FakeCollector::start(behaviour)?;
        let fixture = start(protocol, &collector, &small_batches())?;
        fixture.send(5)?;
        wait_for(&fixture, "export_failures_throttled_total", 1)?;
        collector.set_behaviour(Behaviour::Healthy);
        fixture.settle()?;
        assert_eq!(fixture.stats(["spans_sent_total", "spans_dropped_refused_total"])?, [5, 0]);
        let requests = collector.requests();
        let [first, second, ..] = requests.as_slice() else { anyhow::bail!("{requests:?}") };
        let pause = second.duration_since(*first);
        assert!((2.0..4.0).contains(&pause.as_secs_f64()), "{pause:?}");
    }
    Ok(())
}

#[test]
fn does_not_retry_permanent_errors() -> Result<()> {
    for (protocol, behaviour, message) in [
        (Protocol::Grpc, Behaviour::Grpc(pairs(&[("grpc-status", "8")])), "RESOURCE_EXHAUSTED"),
        (
            Protocol::Grpc,
            Behaviour::Grpc(pairs(&[("grpc-status", "3"), ("grpc-message", "bad%20span")])),
            "INVALID_ARGUMENT: bad span",
        ),
        (Protocol::Http, Behaviour::Status(400, Vec::new()), "status 400"),
    ] {
        let collector = FakeCollector::start(behaviour)?;
        let mut fixture = start(protocol, &collector, &small_batches())?;
        fixture.send(5)?;
        fixture.settle()?;
        let names = ["spans_dropped_refused_total", "spans_sent_total", "export_retries_total"];
        assert_eq!(fixture.stats(names)?, [5, 0, 0]);
        fixture.envoy.wait_for_log(message)?;
        collector.set_behaviour(Behaviour::Healthy);
        fixture.send(5)?;
        wait_for(&fixture, "spans_sent_total", 5)?;
    }
    Ok(())
}

#[test]
fn counts_and_logs_rejected_spans() -> Result<()> {
    for protocol in Protocol::BOTH {
        let collector = FakeCollector::start(Behaviour::Partial(3))?;
        let mut fixture = start(protocol, &collector, &json!({"maxBatchItems": 10}))?;
        fixture.send(10)?;
        fixture.settle()?;
        let [built, sent, rejected] =
            fixture.stats(["spans_built_total", "spans_sent_total", "spans_rejected_total"])?;
        assert_eq!(built, 10);
        assert_eq!(
            (sent, rejected),
            (distinct_spans(&collector) as u64, collector.refused() as u64)
        );
        assert!(rejected >= 3, "{rejected}");
        fixture.envoy.wait_for_log("rejected: no room")?;
    }
    Ok(())
}

#[test]
fn tolerates_garbage_and_huge_responses() -> Result<()> {
    for protocol in Protocol::BOTH {
        for bytes in [b"<html>".to_vec(), vec![0xff; 10 << 20]] {
            let collector = FakeCollector::start(Behaviour::Garbage(bytes))?;
            let mut fixture = start(protocol, &collector, &small_batches())?;
            fixture.send(20)?;
            fixture.settle()?;
            assert_eq!(fixture.stats(["spans_built_total", "spans_sent_total"])?, [20, 20]);
            assert_eq!(distinct_spans(&collector), 20);
            fixture.assert_no_trap()?;
        }
    }
    Ok(())
}

#[test]
fn logs_an_unknown_cluster_once_and_fails_no_request() -> Result<()> {
    let mut config = sample_all(Protocol::Grpc, &small_batches());
    config["extensionProviders"][0]["opentelemetry"]["service"] =
        json!("nowhere.svc.cluster.local");
    let mut fixture = Fixture::start(1, Vec::new(), &config)?;
    fixture.send(30)?;
    wait_for(&fixture, "export_failures_unknown_cluster_total", 3)?;
    fixture.envoy.wait_for_log("is there a ServiceEntry")?;
    let [failures, timeouts] = fixture
        .stats(["export_failures_unknown_cluster_total", "export_failures_timeout_total"])?;
    assert!((3..20).contains(&failures), "{failures}");
    assert_eq!(timeouts, 0);
    let log = fixture.envoy.stop()?;
    assert_eq!(log.matches("is there a ServiceEntry").count(), 1, "{log}");
    Ok(())
}

#[test]
fn sends_secrets_to_the_collector_and_never_logs_them() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Status(401, Vec::new()))?;
    let mut config = sample_all(Protocol::Http, &small_batches());
    let headers = json!([{"name": "x-api-key", "value": "hunter2"}]);
    config["extensionProviders"][0]["opentelemetry"]["http"] = json!({"headers": headers});
    let clusters = vec![cluster(Protocol::Http, collector.address())];
    let mut fixture = Fixture::start(1, clusters, &config)?;
    fixture.send(3)?;
    fixture.settle()?;
    let has_key =
        |headers: &hyper::HeaderMap| headers.get("x-api-key").is_some_and(|key| key == "hunter2");
    assert!(collector.headers().iter().all(has_key));
    let log = fixture.envoy.stop()?;
    assert!(!log.contains("hunter2"), "{log}");
    Ok(())
}

#[test]
fn memory_does_not_grow_while_the_collector_is_down() -> Result<()> {
    let address = ports::loopback(ports::free()?);
    let mut config = sample_all(Protocol::Grpc, &json!({}));
    config["tracing"]["maxSpansPerSecond"] = json!(100_000);
    let fixture = Fixture::start(4, vec![cluster(Protocol::Grpc, address)], &config)?;
    // This fills every queue: it holds up to 4,096 spans and up to 1 MiB.
    load(fixture.envoy.address(), 16, 40_000)?;
    wait_for(&fixture, "spans_dropped_full_total", 10_000)?;
    let before = fixture.envoy.memory()?;
    load(fixture.envoy.address(), 16, thorough(40_000, 1_000_000))?;
    let growth = fixture.envoy.memory()?.saturating_sub(before);
    assert!(growth < 16, "grew by {growth} MiB from {before} MiB");
    let [queued] = fixture.stats(["queue_bytes"])?;
    assert!(queued <= 4 * 2 * 1_048_576, "{queued}");
    let collector = FakeCollector::start_on(ports::listen(address.port())?, Behaviour::Healthy)?;
    fixture.settle()?;
    let [sent] = fixture.stats(["spans_sent_total"])?;
    assert_eq!(distinct_spans(&collector) as u64, sent);
    assert!(collector.largest() <= 262_144, "{}", collector.largest());
    Ok(())
}
