//! Spans in a real collector.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::json;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    collector::{Collector, Item},
    envoy::Envoy,
    process,
    scale::thorough,
    upstream::Upstream,
};

use super::{
    collectors::{Fixture, HOST, Protocol, TIMEOUT, cluster, sample_all},
    filter,
    load::load,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn address(collector: &Collector, protocol: Protocol) -> std::net::SocketAddr {
    match protocol {
        Protocol::Grpc => collector.grpc(),
        Protocol::Http => collector.http(),
    }
}

/// Parses the only `traceparent` of a request into trace id, parent id and flags.
fn context(values: &[&str]) -> Result<(String, String, String)> {
    let [value] = values else { anyhow::bail!("not one traceparent: {values:?}") };
    let parts: Vec<&str> = value.split('-').collect();
    let [_, trace, span, flags] = parts.as_slice() else { anyhow::bail!("{value}") };
    Ok(((*trace).to_owned(), (*span).to_owned(), (*flags).to_owned()))
}

/// Waits until the collector has at least `count` spans and returns them.
fn spans(collector: &Collector, count: usize) -> Result<Vec<Item>> {
    process::wait_until("collecting all spans", TIMEOUT, || Ok(collector.spans()?.len() >= count))?;
    collector.spans()
}

fn only_span(collector: &Collector) -> Result<Item> {
    spans(collector, 1)?.into_iter().next().context("no span")
}

/// Returns `true` if the random part of a trace id is in the lowest tenth.
fn is_in_a_tenth(trace: &str) -> bool {
    let low = u64::from_str_radix(&trace[18..], 16).unwrap_or(u64::MAX);
    low < (1 << 56) / 10
}

#[test]
fn minimal_configuration_reports_exactly_the_sampled_spans() -> Result<()> {
    for protocol in Protocol::BOTH {
        let collector = Collector::start()?;
        let clusters = vec![cluster(protocol, address(&collector, protocol))];
        let config = json!({
            "endpoint": format!("{HOST}:{}", protocol.port()), "sample_rate": 0.1,
        });
        let fixture = Fixture::start(4, clusters, &config)?;
        let requests = thorough(2_000, 100_000);
        assert_eq!(load(fixture.envoy.address(), 8, requests)?, requests);
        let mut selected = BTreeSet::new();
        for request in fixture.app.received() {
            let (trace, span, flags) = context(&request.header("traceparent"))?;
            assert_eq!(flags == "01", is_in_a_tenth(&trace), "{trace}");
            if flags == "01" {
                selected.insert((trace, span));
            }
        }
        let share = selected.len() as f64 / requests as f64;
        assert!((0.05..0.15).contains(&share), "{share}");
        fixture.settle()?;
        let found = spans(&collector, selected.len())?;
        let id = |span: &Item| (span.text("traceId").to_owned(), span.text("spanId").to_owned());
        assert_eq!(found.len(), selected.len());
        assert_eq!(found.iter().map(id).collect::<BTreeSet<_>>(), selected);
        let [built, sent] = fixture.stats(["spans_built_total", "spans_sent_total"])?;
        assert_eq!((built, sent), (selected.len() as u64, selected.len() as u64));
    }
    Ok(())
}

#[test]
fn spans_follow_the_semantic_conventions() -> Result<()> {
    let collector = Collector::start()?;
    let clusters = vec![cluster(Protocol::Grpc, collector.grpc())];
    let fixture = Fixture::start(1, clusters, &sample_all(Protocol::Grpc, &json!({})))?;
    let request = Request::get("/orders/7?token=secret")
        .authority("shop.example.com:8080")
        .header("user-agent", "test/1")
        .header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
        .header("tracestate", "vendor=1")
        .header("x-reply-status", "503");
    assert_eq!(fixture.envoy.http1().send(request)?.status, 503);
    let span = only_span(&collector)?;
    assert_eq!(span.text("traceId"), TRACE);
    assert_eq!(span.text("parentSpanId"), SPAN);
    assert_eq!(span.text("traceState"), "vendor=1");
    assert_eq!(span.text("name"), "GET");
    assert_eq!(span.json["kind"], 2);
    assert_eq!(span.json["status"]["code"], 2);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("url.path", "/orders/7"),
        ("url.scheme", "http"),
        ("server.address", "shop.example.com"),
        ("server.port", "8080"),
        ("client.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("user_agent.original", "test/1"),
        ("http.response.status_code", "503"),
        ("http.request.body.size", "0"),
        ("error.type", "503"),
        ("envoy.response_code_details", "via_upstream"),
        ("envoy.upstream_cluster", "app"),
    ] {
        assert_eq!(span.attributes.get(key).map(String::as_str), Some(value), "{key}");
    }
    let start: u64 = span.text("startTimeUnixNano").parse()?;
    let end: u64 = span.text("endTimeUnixNano").parse()?;
    assert!(start < end && end - start < 5_000_000_000, "{start} {end}");
    assert!(!span.json.to_string().contains("secret"), "{}", span.json);
    assert!(span.resource.contains_key("service.instance.id"), "{:?}", span.resource);
    let (trace, child, flags) = context(&fixture.app.received()[0].header("traceparent"))?;
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"));
    assert_eq!(child, span.text("spanId"));
    Ok(())
}

#[test]
fn follows_the_caller_and_forwards_unsampled_context_unchanged() -> Result<()> {
    let collector = Collector::start()?;
    let clusters = vec![cluster(Protocol::Grpc, collector.grpc())];
    let fixture = Fixture::start(1, clusters, &sample_all(Protocol::Grpc, &json!({})))?;
    let client = fixture.envoy.http1();
    let future = format!("cc-{TRACE}-{SPAN}-00-future");
    for traceparent in [&format!("00-{TRACE}-{SPAN}-00"), &future] {
        let request = Request::get("/").header("traceparent", traceparent);
        client.send(request.header("tracestate", "not a list"))?;
        let received = fixture.app.received();
        let last = received.last().context("nothing arrived")?;
        assert_eq!(last.header("traceparent"), [traceparent]);
        assert_eq!(last.header("tracestate"), ["not a list"]);
    }
    let twice = format!("00-{TRACE}-{SPAN}-01");
    let request = Request::get("/").header("traceparent", &twice).header("traceparent", &twice);
    client.send(request.header("tracestate", "a=1"))?;
    let received = fixture.app.received();
    let last = received.last().context("nothing arrived")?;
    let (trace, _, _) = context(&last.header("traceparent"))?;
    assert_ne!(trace, TRACE);
    assert_eq!(last.header("tracestate"), [] as [&str; 0]);
    let span = only_span(&collector)?;
    assert_eq!((span.text("traceId"), span.text("parentSpanId")), (trace.as_str(), ""));
    fixture.wait_until("counting", || {
        let names = ["spans_built_total", "traceparent_invalid_total"];
        Ok(fixture.stats(names)? == [1, 1])
    })
}

#[test]
fn spans_nest_across_two_proxies() -> Result<()> {
    let collector = Collector::start()?;
    let clusters = || vec![cluster(Protocol::Grpc, collector.grpc())];
    let config = sample_all(Protocol::Grpc, &json!({}));
    let inner = Fixture::start(1, clusters(), &config)?;
    let options = EnvoyOptions::new(inner.envoy.address(), vec![filter(&config)]);
    let outer = Envoy::start(EnvoyOptions { clusters: clusters(), ..options })?;
    for _ in 0..20 {
        assert_eq!(outer.http1().get("/")?.status, 200);
    }
    let found = spans(&collector, 40)?;
    let is_root = |span: &&Item| span.text("parentSpanId").is_empty();
    let (roots, children): (Vec<&Item>, Vec<&Item>) = found.iter().partition(is_root);
    assert_eq!((roots.len(), children.len()), (20, 20));
    for child in children {
        let parent = |root: &&&Item| root.text("spanId") == child.text("parentSpanId");
        let root = roots.iter().find(parent).context("a parent is missing")?;
        assert_eq!(root.text("traceId"), child.text("traceId"));
    }
    Ok(())
}

#[test]
fn dry_run_reports_spans_and_writes_no_header() -> Result<()> {
    let collector = Collector::start()?;
    let clusters = vec![cluster(Protocol::Grpc, collector.grpc())];
    let mut config = sample_all(Protocol::Grpc, &json!({}));
    config["dryRun"] = json!(true);
    let fixture = Fixture::start(1, clusters, &config)?;
    fixture.send(1)?;
    assert_eq!(fixture.app.received()[0].header("traceparent"), [] as [&str; 0]);
    only_span(&collector)?;
    Ok(())
}

#[test]
fn log_records_carry_their_trace() -> Result<()> {
    for protocol in Protocol::BOTH {
        let collector = Collector::start()?;
        let clusters = vec![cluster(protocol, address(&collector, protocol))];
        let mut config = sample_all(protocol, &json!({}));
        config["accessLogging"] = json!({"providers": [{"name": "otel"}]});
        let fixture = Fixture::start(2, clusters, &config)?;
        for status in ["200", "404", "503"] {
            let request = Request::get("/orders/7?token=secret").header("x-reply-status", status);
            fixture.envoy.http1().send(request)?;
        }
        process::wait_until("collecting all logs", TIMEOUT, || Ok(collector.logs()?.len() >= 3))?;
        let (logs, spans) = (collector.logs()?, spans(&collector, 3)?);
        assert_eq!(logs.len(), 3);
        for log in logs {
            let code = log.attributes.get("response_code").cloned().unwrap_or_default();
            let severity = match code.as_str() {
                "200" => "INFO",
                "404" => "WARN",
                _ => "ERROR",
            };
            assert_eq!(log.text("severityText"), severity, "{}", log.json);
            let its = |span: &&Item| span.text("spanId") == log.text("spanId");
            let span = spans.iter().find(its).context("a log without its span")?;
            assert_eq!(span.text("traceId"), log.text("traceId"));
            assert_eq!(span.attributes.get("http.response.status_code"), Some(&code));
            assert!(!log.json.to_string().contains("secret"), "{}", log.json);
        }
        let names = ["logs_built_total", "logs_sent_total", "logs_rejected_total"];
        process::wait_until("counting all logs", TIMEOUT, || {
            Ok(fixture.stats(names)? == [3, 3, 0])
        })?;
    }
    Ok(())
}

#[test]
fn reports_a_span_for_a_local_reply_of_an_earlier_filter() -> Result<()> {
    let collector = Collector::start()?;
    let config = sample_all(Protocol::Grpc, &json!({}));
    let app = Upstream::start()?;
    let deny = Filter::native(json!({
        "name": "deny",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "abort": {"http_status": 503, "percentage": {"numerator": 100}},
        },
    }));
    let options = EnvoyOptions::new(app.address(), vec![deny, filter(&config)]);
    let clusters = vec![cluster(Protocol::Grpc, collector.grpc())];
    let envoy = Envoy::start(EnvoyOptions { clusters, ..options })?;
    let request = Request::get("/").header("traceparent", format!("00-{TRACE}-{SPAN}-01"));
    assert_eq!(envoy.http1().send(request)?.status, 503);
    let span = only_span(&collector)?;
    assert_eq!((span.text("traceId"), span.text("parentSpanId")), (TRACE, SPAN));
    let flags = span.attributes.get("envoy.response_flags").map(String::as_str);
    assert_eq!(flags, Some("FI"), "{}", span.json);
    assert_eq!(app.count(), 0);
    Ok(())
}

#[test]
fn applies_sampling_filters_tags_and_operations() -> Result<()> {
    let collector = Collector::start()?;
    let mut config = sample_all(Protocol::Grpc, &json!({}));
    config["operations"] = json!([{"pathTemplate": "/orders/{id}", "name": "getOrder"}]);
    config["tracing"] = json!({
        "sampling": [{
            "filter": {"match": [{"headers": {"x-debug-trace": {"exact": "true"}}}]},
            "percentage": {"value": 100},
        }],
        "customTags": {
            "environment": {"literal": {"value": "production"}},
            "user": {"header": {"name": "x-user-id", "defaultValue": "anonymous"}},
            "code": {"expression": {"value": "response.code + 1"}},
            "client.address": {"redact": "MASK"},
        },
    });
    let fixture = Fixture::start(1, vec![cluster(Protocol::Grpc, collector.grpc())], &config)?;
    fixture.send(3)?;
    let debug = Request::get("/orders/7").header("x-debug-trace", "true");
    fixture.envoy.http1().send(debug.header("x-user-id", "alice"))?;
    let span = only_span(&collector)?;
    assert_eq!(span.text("name"), "GET getOrder");
    for (key, value) in [
        ("http.route", "getOrder"),
        ("environment", "production"),
        ("user", "alice"),
        ("code", "201"),
        ("client.address", "***"),
    ] {
        assert_eq!(span.attributes.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(collector.spans()?.len(), 1);
    Ok(())
}
