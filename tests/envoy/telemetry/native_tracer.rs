//! The filter together with Envoy's own tracer, as described in the README.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    bootstrap::Setup,
    client::Request,
    collector::{Collector, Item},
    envoy::Envoy,
    process,
    upstream::Upstream,
};

use super::{
    collectors::{HOST, Protocol, SOON, cluster, provider},
    filter,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
/// The service name of Envoy's tracer.
const NATIVE: &str = "native";

/// Envoy with both tracers, a collector for both, and an application.
struct Rig {
    collector: Collector,
    envoy: Envoy,
    app: Upstream,
}

impl Rig {
    fn start(tracing: &Value) -> Result<Self> {
        let collector = Collector::start()?;
        let app = Upstream::start()?;
        let config = json!({
            "extensionProviders": provider(Protocol::Grpc, &json!({"maxBatchDelay": "200ms"})),
            "tracing": tracing,
        });
        let envoy = Envoy::start(Setup {
            clusters: vec![cluster(Protocol::Grpc, collector.grpc())],
            tracing: Some(native()),
            ..Setup::new(app.address(), vec![filter(&config)])
        })?;
        Ok(Self { collector, envoy, app })
    }

    /// Sends a request and returns the trace id and parent id that the application received.
    fn send(&self, request: Request) -> Result<(String, String)> {
        assert_eq!(self.envoy.http1().send(request)?.status, 200);
        let received = self.app.received();
        let last = received.last().context("nothing arrived")?;
        let told = last.header("traceparent");
        let [told] = told.as_slice() else { anyhow::bail!("not one traceparent: {told:?}") };
        let mut parts = told.split('-').skip(1).map(str::to_owned);
        Ok((parts.next().context("no trace")?, parts.next().context("no parent")?))
    }

    /// Waits for `count` spans and returns Envoy's and the filter's.
    fn spans(&self, count: usize) -> Result<(Vec<Item>, Vec<Item>)> {
        let spans = || self.collector.spans();
        process::wait_until("collecting all spans", SOON, || Ok(spans()?.len() >= count))?;
        let is_native =
            |span: &Item| span.resource.get("service.name").map(String::as_str) == Some(NATIVE);
        Ok(spans()?.into_iter().partition(is_native))
    }
}

/// Returns the `tracing` of the connection manager, which samples all requests.
fn native() -> Value {
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
fn with_both_tracers_two_siblings_are_below_the_caller() -> Result<()> {
    let rig = Rig::start(&json!({"randomSamplingPercentage": 100}))?;
    let request = Request::get("/").header("traceparent", format!("00-{TRACE}-{SPAN}-01"));
    let (trace, parent) = rig.send(request)?;
    let (natives, ours) = rig.spans(2)?;
    assert_eq!((natives.len(), ours.len()), (1, 1));
    for span in natives.iter().chain(&ours) {
        assert_eq!((span.text("traceId"), span.text("parentSpanId")), (TRACE, SPAN));
    }
    // Envoy writes the context last, so the application's parent is Envoy's span.
    assert_eq!((trace.as_str(), parent.as_str()), (TRACE, natives[0].text("spanId")));
    Ok(())
}

#[test]
fn with_both_tracers_a_request_without_context_gets_two_traces() -> Result<()> {
    let rig = Rig::start(&json!({"randomSamplingPercentage": 100}))?;
    let (trace, _) = rig.send(Request::get("/"))?;
    let (natives, ours) = rig.spans(2)?;
    assert_eq!((natives.len(), ours.len()), (1, 1));
    assert_eq!(natives[0].text("traceId"), trace);
    assert_ne!(ours[0].text("traceId"), trace);
    Ok(())
}

#[test]
fn without_reports_of_ours_envoys_trace_is_the_only_one() -> Result<()> {
    let rig = Rig::start(&json!({"randomSamplingPercentage": 100, "disableSpanReporting": true}))?;
    let (trace, parent) = rig.send(Request::get("/"))?;
    let (natives, ours) = rig.spans(1)?;
    assert_eq!((natives.len(), ours.len()), (1, 0));
    assert_eq!((natives[0].text("traceId"), natives[0].text("spanId")), (trace.as_str(), &*parent));
    let stats = rig.envoy.stats()?;
    assert_eq!(stats.value("wasmcustom.weir_telemetry_spans_built_total"), 0);
    Ok(())
}
