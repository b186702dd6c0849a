//! Trace context of callers: B3, restarted traces, disabled propagation and disabled reporting.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use tests::{
    client::Request,
    fake_collector::{Behaviour, FakeCollector},
    upstream::Received,
};

use super::collectors::{Fixture, Protocol, cluster, sample_all};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// Starts a collector and a proxy with this `tracing`.
fn start(tracing: &Value) -> Result<(FakeCollector, Fixture)> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let queue = json!({"maxBatchDelay": "200ms"});
    let mut config = sample_all(Protocol::Grpc, &queue);
    if let Some(config) = config.as_object_mut() {
        config.insert("tracing".to_owned(), tracing.clone());
    }
    let fixture = Fixture::start(1, clusters, &config)?;
    Ok((collector, fixture))
}

/// Sends a request with these headers and returns it as received by the application.
fn send(fixture: &Fixture, headers: &[(&str, &str)]) -> Result<Received> {
    let request = Request::get("/");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    Received::from_response(&fixture.envoy.http1().send(request)?)
}

/// Waits for a span and returns it.
fn only_span(fixture: &Fixture, collector: &FakeCollector) -> Result<Span> {
    fixture.wait_until("collecting a span", || Ok(!collector.spans().is_empty()))?;
    collector.spans().pop().context("no span")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sampled() -> String {
    format!("00-{TRACE}-{SPAN}-01")
}

#[test]
fn restart_begins_a_trace_linked_to_the_callers() -> Result<()> {
    let (collector, fixture) =
        start(&json!({"remoteContext": "RESTART", "randomSamplingPercentage": 100}))?;
    let received = send(&fixture, &[("traceparent", &sampled()), ("tracestate", "a=1")])?;
    assert_eq!(received.header("tracestate"), [""; 0]);
    let span = only_span(&fixture, &collector)?;
    assert_ne!(hex(&span.trace_id), TRACE);
    assert_eq!(hex(&span.parent_span_id), "");
    let [link] = span.links.as_slice() else { anyhow::bail!("{:?}", span.links) };
    assert_eq!((hex(&link.trace_id), hex(&link.span_id)), (TRACE.to_owned(), SPAN.to_owned()));
    let own = format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id));
    assert_eq!(received.header("traceparent"), [own]);
    Ok(())
}

#[test]
fn reads_b3_if_enabled_and_writes_w3c() -> Result<()> {
    let b3 = format!("{TRACE}-{SPAN}-1");
    let short = "00000000000000008448eb211c80319c";
    for (headers, trace) in [
        (vec![("b3", b3.as_str())], TRACE),
        (vec![("X-B3-TraceId", &short[16..]), ("X-B3-SpanId", SPAN), ("X-B3-Sampled", "1")], short),
    ] {
        let (collector, fixture) = start(&json!({"acceptB3": true}))?;
        let received = send(&fixture, &headers)?;
        let span = only_span(&fixture, &collector)?;
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (trace.into(), SPAN.into()));
        let own = format!("00-{trace}-{}-01", hex(&span.span_id));
        assert_eq!(received.header("traceparent"), [own]);
    }
    let (_collector, fixture) = start(&json!({"randomSamplingPercentage": 100}))?;
    let received = send(&fixture, &[("b3", &b3)])?;
    assert!(!received.header("traceparent").join("").contains(TRACE), "{received:?}");
    Ok(())
}

#[test]
fn disabled_propagation_still_reports_a_span() -> Result<()> {
    let names = ["traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-sampled"];
    for is_dry in [false, true] {
        let (collector, mut fixture) = start(&json!({"disableContextPropagation": true}))?;
        if is_dry {
            let mut config = sample_all(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"}));
            config["tracing"] = json!({"disableContextPropagation": true});
            config["dryRun"] = json!(true);
            fixture.envoy.reconfigure(&[super::filter(&config)])?;
        }
        let traceparent = sampled();
        let headers = names
            .map(|name| (name, if name == "traceparent" { traceparent.as_str() } else { "a=1" }));
        let received = send(&fixture, &headers)?;
        let left: Vec<&str> =
            names.into_iter().filter(|name| !received.header(name).is_empty()).collect();
        assert_eq!(left, if is_dry { names.to_vec() } else { Vec::new() });
        let span = only_span(&fixture, &collector)?;
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.into(), SPAN.into()));
    }
    Ok(())
}

#[test]
fn disabled_reporting_keeps_ids_and_response_headers() -> Result<()> {
    let (collector, mut fixture) = start(&json!({"randomSamplingPercentage": 100}))?;
    let mut config = sample_all(Protocol::Grpc, &json!({}));
    config["tracing"] = json!({"randomSamplingPercentage": 100, "disableSpanReporting": true});
    config["responseHeaders"] = json!({"traceId": "x-trace-id"});
    fixture.envoy.reconfigure(&[super::filter(&config)])?;
    let response = fixture.envoy.http1().get("/")?;
    let trace_id = response.header("x-trace-id").unwrap_or_default();
    let received = Received::from_response(&response)?.header("traceparent").join("");
    assert!(trace_id.len() == 32 && received.contains(trace_id), "{trace_id} {received}");
    assert!(received.ends_with("-01"), "{received}");
    fixture.envoy.wait_for_log("without a filter, every caller receives timings and ids")?;
    assert_eq!(fixture.stats(["spans_built_total"])?, [0]);
    assert!(collector.spans().is_empty());
    Ok(())
}

#[test]
fn honours_a_retry_after_date() -> Result<()> {
    let (collector, fixture) = start(&json!({"randomSamplingPercentage": 100}))?;
    // HTTP dates have a resolution of one second.
    let date = SystemTime::now() + Duration::from_secs(4);
    let date = httpdate::fmt_http_date(date);
    collector.set_behaviour(Behaviour::Status(429, vec![("retry-after".to_owned(), date.clone())]));
    fixture.send(1)?;
    fixture.wait_until("counting the throttled export", || {
        Ok(fixture.stats(["export_failures_throttled_total"])? == [1])
    })?;
    collector.set_behaviour(Behaviour::Healthy);
    fixture.settle()?;
    let not_before = httpdate::parse_http_date(&date)?;
    assert!(SystemTime::now() >= not_before, "sent before {date}");
    assert_eq!(collector.spans().len(), 1);
    assert_eq!(collector.requests().len(), 2);
    Ok(())
}
