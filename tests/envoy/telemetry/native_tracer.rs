//! The filter together with Envoy's own tracer, as described in the README.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    client::Request,
    collector::{Collector, Item},
    envoy::Envoy,
    process,
    upstream::Upstream,
};

use super::{
    collectors::{HOST, Protocol, TIMEOUT, cluster, provider},
    filter,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
/// The service name of Envoy's tracer.
const NATIVE: &str = "native";

/// Envoy with both tracers, a collector for both, and an application.
struct Fixture {
    collector: Collector,
    envoy: Envoy,
    app: Upstream,
}

impl Fixture {
    fn start(tracing: &Value) -> Result<Self> {
        let collector = Collector::start()?;
        let app = Upstream::start()?;
        let config = json!({
            "extensionProviders": provider(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"})),
            "tracing": tracing,
        });
        let envoy = Envoy::start(EnvoyOptions {
            clusters: vec![cluster(Protocol::Grpc, collector.grpc())],
            tracing: Some(native_tracing()),
            ..EnvoyOptions::new(app.address(), vec![filter(&config)])
        })?;
        Ok(Self { collector, envoy, app })
    }

    /// Sends a request and returns the trace id and parent id that the application received.
    fn send(&self, request: Request) -> Result<(String, String)> {
        assert_eq!(self.envoy.http1().send(request)?.status, 200);
        let received = self.app.received();
        let last = received.last().context("nothing arrived")?;
        let values = last.header("traceparent");
        let [values] = values.as_slice() else { anyhow::bail!("not one traceparent: {values:?}") };
        let mut parts = values.split('-').skip(1).map(str::to_owned);
        Ok((parts.next().context("no trace")?, parts.next().context("no parent")?))
    }

    /// Waits for `count` spans and returns Envoy's and the filter's.
    fn spans(&self, count: usize) -> Result<(Vec<Item>, Vec<Item>)> {
        let spans = || self.collector.spans();
        process::wait_until("collecting all spans", TIMEOUT, || Ok(spans()?.len() >= count))?;
        let is_native =
            |span: &Item| span.resource.get("service.name").map(String::as_str) == Some(NATIVE);
        Ok(spans()?.into_iter().partition(is_native))
    }
}

/// Returns the `tracing` of the connection manager, which samples all requests.
fn native_tracing() -> Value {
    json!({"provider": {
        "name": "envoy.tracers.opentelemetry",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
            "service_name": NATIVE,
            "grpc_service": {"envoy_grpc": {
                "cluster_name": format!("outbound|{}||{HOST}", Protocol::Grpc.port()),
            }},
        },
    }})
}

#[test]
fn both_tracers_report_sibling_spans() -> Result<()> {
    let fixture = Fixture::start(&json!({"randomSamplingPercentage": 100}))?;
    let request = Request::get("/").header("traceparent", format!("00-{TRACE}-{SPAN}-01"));
    let (trace, parent) = fixture.send(request)?;
    let (native_spans, own_spans) = fixture.spans(2)?;
    assert_eq!((native_spans.len(), own_spans.len()), (1, 1));
    for span in native_spans.iter().chain(&own_spans) {
        assert_eq!((span.text("traceId"), span.text("parentSpanId")), (TRACE, SPAN));
    }
    // Envoy writes the context last, so the application's parent is Envoy's span.
    assert_eq!((trace.as_str(), parent.as_str()), (TRACE, native_spans[0].text("spanId")));
    Ok(())
}

#[test]
fn both_tracers_start_separate_traces_without_context() -> Result<()> {
    let fixture = Fixture::start(&json!({"randomSamplingPercentage": 100}))?;
    let (trace, _) = fixture.send(Request::get("/"))?;
    let (native_spans, own_spans) = fixture.spans(2)?;
    assert_eq!((native_spans.len(), own_spans.len()), (1, 1));
    assert_eq!(native_spans[0].text("traceId"), trace);
    assert_ne!(own_spans[0].text("traceId"), trace);
    Ok(())
}

#[test]
fn disabled_reporting_leaves_only_envoys_trace() -> Result<()> {
    let fixture =
        Fixture::start(&json!({"randomSamplingPercentage": 100, "disableSpanReporting": true}))?;
    let (trace, parent) = fixture.send(Request::get("/"))?;
    let (native_spans, own_spans) = fixture.spans(1)?;
    assert_eq!((native_spans.len(), own_spans.len()), (1, 0));
    assert_eq!(
        (native_spans[0].text("traceId"), native_spans[0].text("spanId")),
        (trace.as_str(), &*parent)
    );
    let stats = fixture.envoy.stats()?;
    assert_eq!(stats.value("wasmcustom.weir_telemetry_spans_built_total"), 0);
    Ok(())
}
