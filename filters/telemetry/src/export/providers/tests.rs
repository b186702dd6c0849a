#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::parse_config;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(default)]
    extension_providers: Option<Vec<ProviderConfig>>,
    #[serde(default)]
    endpoint: Option<Endpoint>,
}

fn variable(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("secret".to_owned()),
        "ODD" => Some("line\nbreak".to_owned()),
        _ => None,
    }
}

fn read(document: &Value) -> Result<(Vec<Provider>, Vec<String>), String> {
    let document = parse_config::<Document>(document.to_string().as_bytes());
    let document = document.map_err(|error| error.to_string())?;
    let mut compiler = Compiler::default();
    let configured = document.extension_providers.as_ref();
    let providers = compile(configured, document.endpoint.as_ref(), &variable, &mut compiler);
    let warnings = compiler.warnings.iter().map(ToString::to_string).collect();
    compiler.errors.finish((providers, warnings)).map_err(|error| error.to_string())
}

/// A provider as in MeshConfig, with these additional fields.
fn provider(fields: &Value) -> Value {
    let mut otel = json!({"service": "monitoring/otel.monitoring", "port": 4317});
    if let (Some(otel), Some(fields)) = (otel.as_object_mut(), fields.as_object()) {
        otel.extend(fields.clone());
    }
    json!({"extensionProviders": [{"name": "otel", "opentelemetry": otel}]})
}

#[test]
fn the_short_form_uses_grpc_except_on_port_4318() {
    let http = Protocol::Http { traces: "/v1/traces".into(), logs: "/v1/logs".into() };
    for (port, protocol) in [(4317, Protocol::Grpc), (4318, http), (80, Protocol::Grpc)] {
        let endpoint = json!({"endpoint": format!("otel.monitoring.svc.cluster.local:{port}")});
        let (providers, warnings) = read(&endpoint).unwrap();
        let [provider] = providers.as_slice() else { panic!("{providers:?}") };
        let cluster = format!("outbound|{port}||otel.monitoring.svc.cluster.local");
        assert_eq!(provider.cluster.as_str(), cluster);
        assert_eq!(&*provider.name, "otel");
        assert_eq!(provider.protocol, protocol);
        assert_eq!(provider.limits, QueueLimits::default());
        assert_eq!(warnings, [] as [&str; 0]);
    }
}

#[test]
fn warns_of_a_host_without_a_dot() {
    let (_, warnings) = read(&json!({"endpoint": "otel-collector:4317"})).unwrap();
    let text =
        "endpoint: otel-collector is not a fully qualified name, which Istio's clusters have";
    assert_eq!(warnings, [text]);
}

#[test]
fn compiles_all_fields_of_a_mesh_config_provider() {
    let document = provider(&json!({
        "subset": "v1",
        "maxTagLength": 100,
        "http": {
            "path": "/otlp/traces",
            "timeout": "1s",
            "headers": [{"name": "X-Key", "envName": "TOKEN"}, {"name": "a", "value": "b c"}],
        },
        "logsPath": "/otlp/logs",
        "resource": {"deployment.environment.name": "production"},
        "queue": {
            "maxItems": 64, "maxBytes": 65_536, "maxBatchItems": 1, "maxBatchDelay": "200ms",
            "maxElapsedTime": "10m",
        },
    }));
    let (providers, _) = read(&document).unwrap();
    let provider = &providers[0];
    assert_eq!(provider.cluster.as_str(), "outbound|4317|v1|otel.monitoring");
    assert_eq!(provider.authority, "otel.monitoring:4317");
    assert_eq!(provider.max_tag_length, 100);
    assert_eq!(provider.timeout, Duration::from_secs(1));
    let headers = [("x-key", "secret"), ("a", "b c")];
    assert_eq!(provider.headers, headers.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let limits = QueueLimits {
        max_items: 64,
        max_bytes: 65_536,
        max_batch_items: 1,
        max_batch_bytes: 65_536,
        max_batch_delay: Duration::from_millis(200),
        max_elapsed_time: Duration::from_mins(10),
    };
    assert_eq!(provider.limits, limits);
    assert!(!format!("{provider:?}").contains("secret"));
}

#[test]
fn rejects_invalid_providers() {
    let at = "extensionProviders[0].opentelemetry";
    for (fields, message) in [
        (json!({"http": {}, "grpc": {}}), "grpc: must not be given together with http"),
        (json!({"logsPath": "/l"}), "logsPath: must not be given without http"),
        (
            json!({"cluster": "otel"}),
            "cluster: must not be given together with service, port or subset",
        ),
        (
            json!({"queue": {"maxBytes": 65_536, "maxBatchBytes": 65_537}}),
            "queue.maxBatchBytes: must be at most maxBytes",
        ),
        (
            json!({"grpc": {"initialMetadata": [{"name": "a"}]}}),
            "grpc.initialMetadata[0]: must have either value or envName",
        ),
        (
            json!({"grpc": {"initialMetadata": [{"name": "a", "envName": "ODD"}]}}),
            "grpc.initialMetadata[0]: must name a variable of vmConfig.env that holds printable \
             ASCII",
        ),
        (
            json!({"http": {"headers": [{"name": "content-type", "value": "x"}]}}),
            "http.headers[0].name: must not be content-type",
        ),
        (
            json!({"http": {"headers": [{"name": "a", "value": "secret\n"}]}}),
            "http.headers[0].value: must be 1 to 4096 bytes of printable ASCII",
        ),
        (
            json!({"http": {"timeout": "31s"}}),
            r#"http.timeout: must be between 100ms and 30s, got "31s""#,
        ),
        (
            json!({"http": {"path": "v1"}}),
            r#"http.path: must be a path such as /v1/traces, got "v1""#,
        ),
        (json!({"resource": {"": "x"}}), "resource: must have names of 1 to 128 bytes"),
        (
            json!({"dynatraceSampler": {}}),
            "dynatraceSampler: must not be given: use randomSamplingPercentage or sampling in \
             tracing",
        ),
    ] {
        assert_eq!(read(&provider(&fields)).unwrap_err(), format!("{at}.{message}"));
    }
}

#[test]
fn rejects_other_kinds_of_providers() {
    for (kind, hint) in [
        ("zipkin", "use opentelemetry with a collector that exports to Zipkin"),
        ("prometheus", "it is built in, use prometheus in metrics[].providers"),
        ("envoyFileAccessLog", "it is built in, use envoy in accessLogging[].providers"),
        ("envoyOtelAls", "use opentelemetry, which also accepts log records"),
        ("datadog", "only OTLP is supported, use opentelemetry with a collector that converts it"),
    ] {
        let entry = json!({"name": "x", kind: {"service": "a.b", "port": 9411}});
        let error = read(&json!({"extensionProviders": [entry]})).unwrap_err();
        assert_eq!(error, format!("extensionProviders[0].{kind}: must not be given: {hint}"));
    }
}

#[test]
fn rejects_invalid_documents() {
    let otel = provider(&json!({}))["extensionProviders"][0].clone();
    for (document, message) in [
        (
            json!({"endpoint": "a.b:1", "extensionProviders": [otel]}),
            "endpoint: must not be given together with extensionProviders",
        ),
        (json!({"extensionProviders": []}), "extensionProviders: must have 1 to 4 entries"),
        (json!({"extensionProviders": [otel, otel]}), "extensionProviders[1].name: must be unique"),
        (
            json!({"extensionProviders": [{"name": "a"}]}),
            "extensionProviders[0]: must have opentelemetry",
        ),
        (
            json!({"extensionProviders": [{"name": "a", "opentelemetry": {}}]}),
            "extensionProviders[0].opentelemetry: must have service and port, or cluster",
        ),
        (
            json!({"extensionProviders": [{"name": "envoy", "opentelemetry": {}}]}),
            "extensionProviders[0].name: must be another name: envoy is built in",
        ),
    ] {
        assert_eq!(read(&document).unwrap_err(), message);
    }
    let rule = "must be host:port, such as otel-collector.monitoring.svc.cluster.local:4317";
    for text in ["http://a.b:1", "a.b", "a.b:", "a.b:0", "a.b:70000", "a.b:1/x", ":1", "n/a.b:1"] {
        let error = read(&json!({"endpoint": text})).unwrap_err();
        assert_eq!(error, format!("endpoint: {rule}, got \"{text}\""));
    }
}
