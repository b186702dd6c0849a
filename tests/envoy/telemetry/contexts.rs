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

use super::collectors::{Protocol, Rig, cluster, everything};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// Starts a collector and a proxy with this `tracing`.
fn start(tracing: &Value) -> Result<(FakeCollector, Rig)> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    let queue = json!({"maxBatchDelay": "200ms"});
    let mut config = everything(Protocol::Grpc, &queue);
    if let Some(config) = config.as_object_mut() {
        config.insert("tracing".to_owned(), tracing.clone());
    }
    let rig = Rig::start(1, clusters, &config)?;
    Ok((collector, rig))
}

/// Sends a request with these headers and returns it as received by the application.
fn send(rig: &Rig, headers: &[(&str, &str)]) -> Result<Received> {
    let request = Request::get("/");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    Received::from_response(&rig.envoy.http1().send(request)?)
}

/// Waits for a span and returns it.
fn only(rig: &Rig, collector: &FakeCollector) -> Result<Span> {
    rig.wait_until("collecting a span", || Ok(!collector.spans().is_empty()))?;
    collector.spans().pop().context("no span")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sampled() -> String {
    format!("00-{TRACE}-{SPAN}-01")
}

#[test]
fn a_public_edge_begins_a_trace_that_links_to_the_callers() -> Result<()> {
    let (collector, rig) =
        start(&json!({"remoteContext": "RESTART", "randomSamplingPercentage": 100}))?;
    let received = send(&rig, &[("traceparent", &sampled()), ("tracestate", "a=1")])?;
    assert_eq!(received.header("tracestate"), [""; 0]);
    let span = only(&rig, &collector)?;
    assert_ne!(hex(&span.trace_id), TRACE);
    assert_eq!(hex(&span.parent_span_id), "");
    let [link] = span.links.as_slice() else { anyhow::bail!("{:?}", span.links) };
    assert_eq!((hex(&link.trace_id), hex(&link.span_id)), (TRACE.to_owned(), SPAN.to_owned()));
    let own = format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id));
    assert_eq!(received.header("traceparent"), [own]);
    Ok(())
}

#[test]
fn b3_is_read_where_it_is_asked_for_and_w3c_is_written() -> Result<()> {
    let b3 = format!("{TRACE}-{SPAN}-1");
    let short = "00000000000000008448eb211c80319c";
    for (headers, trace) in [
        (vec![("b3", b3.as_str())], TRACE),
        (vec![("X-B3-TraceId", &short[16..]), ("X-B3-SpanId", SPAN), ("X-B3-Sampled", "1")], short),
    ] {
        let (collector, rig) = start(&json!({"acceptB3": true}))?;
        let received = send(&rig, &headers)?;
        let span = only(&rig, &collector)?;
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (trace.into(), SPAN.into()));
        let own = format!("00-{trace}-{}-01", hex(&span.span_id));
        assert_eq!(received.header("traceparent"), [own]);
    }
    let (_collector, rig) = start(&json!({"randomSamplingPercentage": 100}))?;
    let received = send(&rig, &[("b3", &b3)])?;
    assert!(!received.header("traceparent").join("").contains(TRACE), "{received:?}");
    Ok(())
}

#[test]
fn an_application_that_gets_no_context_still_has_its_span() -> Result<()> {
    let names = ["traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-sampled"];
    for is_dry in [false, true] {
        let (collector, mut rig) = start(&json!({"disableContextPropagation": true}))?;
        if is_dry {
            let mut config = everything(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"}));
            config["tracing"] = json!({"disableContextPropagation": true});
            config["dryRun"] = json!(true);
            rig.envoy.reconfigure(&[super::filter(&config)])?;
        }
        let traceparent = sampled();
        let headers = names
            .map(|name| (name, if name == "traceparent" { traceparent.as_str() } else { "a=1" }));
        let received = send(&rig, &headers)?;
        let left: Vec<&str> =
            names.into_iter().filter(|name| !received.header(name).is_empty()).collect();
        assert_eq!(left, if is_dry { names.to_vec() } else { Vec::new() });
        let span = only(&rig, &collector)?;
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.into(), SPAN.into()));
    }
    Ok(())
}

#[test]
fn without_spans_the_ids_and_the_answer_to_the_caller_remain() -> Result<()> {
    let (collector, mut rig) = start(&json!({"randomSamplingPercentage": 100}))?;
    let mut config = everything(Protocol::Grpc, &json!({}));
    config["tracing"] = json!({"randomSamplingPercentage": 100, "disableSpanReporting": true});
    config["responseHeaders"] = json!({"traceId": "x-trace-id"});
    rig.envoy.reconfigure(&[super::filter(&config)])?;
    let answer = rig.envoy.http1().get("/")?;
    let told = answer.header("x-trace-id").unwrap_or_default();
    let received = Received::from_response(&answer)?.header("traceparent").join("");
    assert!(told.len() == 32 && received.contains(told), "{told} {received}");
    assert!(received.ends_with("-01"), "{received}");
    rig.envoy.wait_for_log("without a filter, every caller receives timings and ids")?;
    assert_eq!(rig.stats(["spans_built_total"])?, [0]);
    assert!(collector.spans().is_empty());
    Ok(())
}

#[test]
fn a_collector_may_name_a_date_before_which_nothing_is_sent() -> Result<()> {
    let (collector, rig) = start(&json!({"randomSamplingPercentage": 100}))?;
    // HTTP dates have a resolution of one second.
    let date = SystemTime::now() + Duration::from_secs(4);
    let date = httpdate::fmt_http_date(date);
    collector.behave(Behaviour::Status(429, vec![("retry-after".to_owned(), date.clone())]));
    rig.send(1)?;
    rig.wait_until("being refused", || Ok(rig.stats(["export_failures_throttled_total"])? == [1]))?;
    collector.behave(Behaviour::Healthy);
    rig.settle()?;
    let not_before = httpdate::parse_http_date(&date)?;
    assert!(SystemTime::now() >= not_before, "sent before {date}");
    assert_eq!(collector.spans().len(), 1);
    assert_eq!(collector.requests().len(), 2);
    Ok(())
}
