//! Blocks of Istio's Telemetry and MeshConfig as written in practice, and common mistakes.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::{Value, json};

use super::{refusal, with_provider};

/// Checks the error of each document; an empty text means that it is accepted.
pub(super) fn check(cases: &[(Value, &str)]) {
    for (document, error) in cases {
        let expected = if error.is_empty() { "accepted" } else { *error };
        assert_eq!(refusal(document), expected, "{document}");
    }
}

/// A document with one tag override.
fn tag(tag: Value) -> Value {
    json!({"metrics": [{"labels": true, "overrides": [
        {"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {"x": tag}}]}]})
}

pub(super) fn provider(kind: &str, fields: Value) -> Value {
    json!({"tracing": [{"providers": [{"name": "p"}]}],
        "extensionProviders": [{"name": "p", kind: fields}]})
}

fn opentelemetry(more: Value) -> Value {
    let mut fields = json!({"service": "otel.observability.svc.cluster.local", "port": 4317});
    let more = more.as_object().cloned().unwrap_or_default();
    more.into_iter().for_each(|(name, value)| fields[name] = value);
    provider("opentelemetry", fields)
}

#[test]
fn checks_istio_tracing() {
    let traced = |entry: Value| with_provider(json!({"tracing": [entry]}), "otel");
    check(&[
        (json!({"tracing": [{"randomSamplingPercentage": 10.00}]}), ""),
        (json!({"tracing": [{"disableSpanReporting": true}]}), ""),
        (traced(json!({"providers": [{"name": "otel"}], "randomSamplingPercentage": 1.25})), ""),
        (traced(json!({"match": {"mode": "SERVER"}, "enableIstioTags": false})), ""),
        (traced(json!({"match": {"mode": "CLIENT"}, "disableContextPropagation": true})), ""),
        (traced(json!({"useRequestIdForTraceSampling": false})), ""),
        (
            traced(json!({"customTags": {
                "team": {"literal": {"value": "shop"}},
                "zone": {"environment": {"name": "ZONE", "defaultValue": "none"}},
                "tenant": {"header": {"name": "x-tenant"}}}})),
            "",
        ),
        (
            traced(json!({"providers": [{"name": "zipkin-b"}]})),
            r#"tracing[0].providers[0].name: must be one of extensionProviders, got "zipkin-b""#,
        ),
        (
            traced(json!({"useRequestIdForTraceSampling": true})),
            "tracing[0].useRequestIdForTraceSampling: must be false: request ids are not used for sampling, got true",
        ),
        (
            traced(json!({"customTags": {"a": {"formatter": {"value": "%REQ(a)%"}}}})),
            "tracing[0].customTags.a.formatter: must not be given: use expression, where %REQ(x-user)% is request.headers['x-user']",
        ),
        (
            traced(
                json!({"customTags": {"a": {"literal": {"value": "b"}, "header": {"name": "c"}}}}),
            ),
            "tracing[0].customTags.a: must have exactly one of literal, environment, header, expression",
        ),
        (
            traced(json!({"randomSamplingPercentage": 0.001})),
            "tracing[0].randomSamplingPercentage: must be from 0 to 100 in steps of 0.01, got 0.001",
        ),
    ]);
}

#[test]
fn checks_istio_metrics() {
    let overridden = |entry: Value| json!({"metrics": [{"overrides": [entry]}]});
    check(&[
        (json!({"metrics": [{"providers": [{"name": "prometheus"}]}]}), ""),
        (
            overridden(
                json!({"match": {"metric": "ALL_METRICS", "mode": "SERVER"}, "disabled": true}),
            ),
            "",
        ),
        (overridden(json!({"match": {"mode": "CLIENT"}, "disabled": true})), ""),
        (overridden(json!({"disabled": false})), ""),
        (
            overridden(json!({"match": {"metric": "REQUEST_DURATION"},
            "tagOverrides": {"response_code": {"operation": "REMOVE"}}})),
            "",
        ),
        (
            json!({"metrics": [{"labels": true, "overrides": [{"tagOverrides": {
                "request_method": {"value": "request.method"},
                "request_host": {"value": "request.host"}}}]}]}),
            "",
        ),
        (tag(json!({"value": "string(destination.port)"})), ""),
        (tag(json!({"operation": "UPSERT", "value": "node.metadata.PLATFORM_METADATA.zone"})), ""),
        (tag(json!({"value": "filter_state.upstream_peer.labels['app'].value"})), ""),
        (
            tag(json!({"value": "istio_operationId"})),
            "metrics[0].overrides[0].tagOverrides.x.value: unknown attribute istio_operationId; write weir.operation, with names from operations",
        ),
        (
            tag(json!({"value": "istio_responseClass"})),
            "metrics[0].overrides[0].tagOverrides.x.value: unknown attribute istio_responseClass; write response.code, with buckets: [200, 300, 400, 500]",
        ),
        (
            json!({"metrics": [{"providers": [{"name": "stackdriver"}]}]}),
            r#"metrics[0].providers[0].name: must be prometheus: metrics are exported through Envoy's stats only, got "stackdriver""#,
        ),
        (
            json!({"metrics": [{"reportingInterval": "5s"}]}),
            "metrics[0].reportingInterval: must not be given: Istio uses it for TCP only",
        ),
        (
            overridden(json!({"match": {"metric": "TCP_OPENED_CONNECTIONS"}})),
            r#"metrics[0].overrides[0].match.metric: must be an HTTP metric: this filter does not see TCP connections, got "TCP_OPENED_CONNECTIONS""#,
        ),
        (
            overridden(json!({"match": {"customMetric": "orders"}, "disabled": true})),
            r#"metrics[0].overrides[0].match.customMetric: must be the name of a definition, got "orders""#,
        ),
        (
            tag(json!({"value": "istio-proxy"})),
            r#"metrics[0].overrides[0].tagOverrides.x.value: unknown attribute istio; text needs quotes: "'istio-proxy'""#,
        ),
        (
            tag(json!({"value": "attributes.canonical_service_name"})),
            "metrics[0].overrides[0].tagOverrides.x.value: unknown attribute attributes.canonical_service_name; write xds.node.metadata.LABELS['service.istio.io/canonical-name']",
        ),
        (
            tag(json!({"value": "upstream_peer.workload"})),
            "metrics[0].overrides[0].tagOverrides.x.value: unknown attribute upstream_peer.workload; write filter_state.upstream_peer.<field>",
        ),
    ]);
}

#[test]
fn checks_istio_access_logging() {
    let logged = |entry: Value| json!({"accessLogging": [entry]});
    let filtered = |text: &str| logged(json!({"filter": {"expression": text}}));
    check(&[
        (logged(json!({"providers": [{"name": "envoy"}]})), ""),
        (logged(json!({"disabled": true})), ""),
        (logged(json!({"match": {"mode": "SERVER"}, "disabled": false})), ""),
        (
            json!({"accessLogging": [
                {"match": {"mode": "SERVER"}},
                {"match": {"mode": "CLIENT"}, "filter": {"expression": "response.code >= 500"}},
            ]}),
            "",
        ),
        (with_provider(logged(json!({"providers": [{"name": "otel"}]})), "otel"), ""),
        (filtered("response.code >= 400"), ""),
        (filtered("connection.mtls && request.url_path.contains('v1beta3')"), ""),
        (filtered("!has(request.useragent) || !(request.useragent.startsWith('Probe/'))"), ""),
        (filtered("request.duration > duration('1s') || response.flags > 0"), ""),
        (
            logged(json!({"providers": [{"name": "envoyFileAccessLogger"}]})),
            "accessLogging[0].providers[0].name: must be envoy or the name of one of extensionProviders",
        ),
        (
            filtered("response.code >= '400'"),
            "accessLogging[0].filter.expression: >= does not take int and string; convert with int() or string()",
        ),
        (
            filtered("response.code"),
            "accessLogging[0].filter.expression: must be an expression of kind bool, got int",
        ),
    ]);
}

#[test]
fn checks_mesh_config_providers() {
    let header = json!([{"name": "authorization", "value": "Api-Token x"}]);
    check(&[
        (opentelemetry(json!({"maxTagLength": 64})), ""),
        (
            opentelemetry(
                json!({"http": {"path": "/api/v2/otlp/v1/traces", "timeout": "5s", "headers": header}}),
            ),
            "",
        ),
        (opentelemetry(json!({"grpc": {"timeout": "5s", "initialMetadata": header}})), ""),
        (
            opentelemetry(json!({"service": "observability/otel.observability.svc.cluster.local"})),
            "",
        ),
        (
            opentelemetry(json!({"http": {}, "grpc": {}})),
            "extensionProviders[0].opentelemetry.grpc: must not be given together with http",
        ),
        (
            opentelemetry(json!({"resourceDetectors": {"environment": {}}})),
            "extensionProviders[0].opentelemetry.resourceDetectors: must not be given: the proxy's node is always read, add further attributes to resource",
        ),
        (
            opentelemetry(json!({"dynatraceSampler": {"tenant": "x", "clusterId": 1}})),
            "extensionProviders[0].opentelemetry.dynatraceSampler: must not be given: use randomSamplingPercentage or sampling in tracing",
        ),
        (
            provider(
                "zipkin",
                json!({"service": "zipkin.istio-system.svc.cluster.local", "port": 9411}),
            ),
            "extensionProviders[0].zipkin: must not be given: use opentelemetry with a collector that exports to Zipkin",
        ),
        (
            provider("prometheus", json!({})),
            "extensionProviders[0].prometheus: must not be given: it is built in, use prometheus in metrics[].providers",
        ),
        (
            provider("envoyFileAccessLog", json!({"path": "/dev/stdout"})),
            "extensionProviders[0].envoyFileAccessLog: must not be given: it is built in, use envoy in accessLogging[].providers",
        ),
        (
            provider("envoyOtelAls", json!({"service": "x", "port": 1})),
            "extensionProviders[0].envoyOtelAls: must not be given: use opentelemetry, which also accepts log records",
        ),
        (
            provider("envoyExtAuthzGrpc", json!({"service": "x", "port": 1})),
            "extensionProviders[0].envoyExtAuthzGrpc: must not be given: it is not a telemetry provider, remove its entry",
        ),
    ]);
    for kind in [
        "envoyHttpAls",
        "envoyTcpAls",
        "skywalking",
        "lightstep",
        "datadog",
        "stackdriver",
        "opencensus",
    ] {
        let error = refusal(&provider(kind, json!({"service": "x", "port": 1})));
        let hint = "only OTLP is supported, use opentelemetry with a collector that converts it";
        assert_eq!(error, format!("extensionProviders[0].{kind}: must not be given: {hint}"));
    }
}

#[test]
fn misplaced_fields_get_a_hint() {
    let overridden = |entry: Value| json!({"metrics": [{"overrides": [entry]}]});
    check(&[
        (
            json!({"metrics": [{"match": {"metric": "REQUEST_COUNT"}}]}),
            "metrics[0].match: must not be given: it belongs in an entry of overrides",
        ),
        (
            json!({"metrics": [{"disabled": true}]}),
            "metrics[0].disabled: must not be given: it belongs in an entry of overrides",
        ),
        (
            json!({"metrics": [{"tagOverrides": {}}]}),
            "metrics[0].tagOverrides: must not be given: it belongs in an entry of overrides",
        ),
        (
            overridden(json!({"overrides": []})),
            "metrics[0].overrides[0].overrides: must not be given: it belongs in the entry of metrics",
        ),
        (
            overridden(json!({"metric": "REQUEST_COUNT"})),
            "metrics[0].overrides[0].metric: must not be given: it belongs in match",
        ),
        (
            overridden(json!({"mode": "CLIENT"})),
            "metrics[0].overrides[0].mode: must not be given: it belongs in match",
        ),
        (
            json!({"accessLogging": [{"mode": "SERVER"}]}),
            "accessLogging[0].mode: must not be given: it belongs in match",
        ),
        (
            json!({"accessLogging": [{"provider": {}}]}),
            "accessLogging[0].provider: must be written providers",
        ),
        (
            json!({"accessLogging": [{"logFormat": {}}]}),
            "accessLogging[0].logFormat: must not be given: a line is one JSON object, use fields to change it",
        ),
        (
            json!({"tracing": [{"mode": "SERVER"}]}),
            "tracing[0].mode: must not be given: it belongs in match",
        ),
        (json!({"tracing": [{"provider": {}}]}), "tracing[0].provider: must be written providers"),
        (json!({"tracing": [{"tags": {}}]}), "tracing[0].tags: must be written customTags"),
        (
            json!({"tracing": [{"percentage": 10}]}),
            "tracing[0].percentage: must be written randomSamplingPercentage",
        ),
        (json!({"spec": {"tracing": []}}), "spec: must not be given: its fields belong here"),
        (json!({"meshConfig": {}}), "meshConfig: must not be given: its fields belong here"),
        (
            json!({"apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry", "metadata": {}}),
            "apiVersion: must not be given: only the fields of spec belong here; kind: must not be given: only the fields of spec belong here; metadata: must not be given: only the fields of spec belong here",
        ),
        (
            json!({"defaultProviders": {"tracing": ["otel"]}}),
            "defaultProviders: must not be given: name the providers in each entry",
        ),
        (json!({"samplingRate": 0.1}), "samplingRate: must be written sampleRate"),
        (json!({"sampling_rate": 0.1}), "sampling_rate: must be written sampleRate"),
    ]);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn schema_rejects_many_invalid_documents() {
    super::misspelled_fields_get_a_hint();
    checks_istio_tracing();
    checks_istio_metrics();
    checks_istio_access_logging();
    checks_mesh_config_providers();
    misplaced_fields_get_a_hint();
    let refused = schema_check::refused::<crate::Config>();
    assert!(refused.by_schema >= 43, "{refused:?}");
}
