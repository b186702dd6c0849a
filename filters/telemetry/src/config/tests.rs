#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::parse_config;
use serde_json::{Value, json};

use super::Config;
use crate::Policy;

mod istio_blocks;
mod labels;
#[cfg(not(target_arch = "wasm32"))]
mod schema;

fn refusal(document: &Value) -> String {
    let compiled = parse_config::<Config>(document.to_string().as_bytes())
        .and_then(|config| Policy::new(&config, &|_| None));
    #[cfg(not(target_arch = "wasm32"))]
    schema_check::compare::<Config>(document, compiled.is_ok());
    compiled.map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
}

/// Adds a provider to `document`.
fn with_provider(mut document: Value, name: &str) -> Value {
    let provider = json!({"name": name, "opentelemetry":
        {"service": "opentelemetry-collector.istio-system.svc.cluster.local", "port": 4317}});
    document["extensionProviders"] = json!([provider]);
    document
}

#[test]
fn accepts_blocks_from_istios_documentation() {
    for document in [
        with_provider(
            json!({"tracing": [{"providers": [{"name": "localtrace"}],
                "customTags": {"foo": {"literal": {"value": "bar"}}},
                "randomSamplingPercentage": 100}]}),
            "localtrace",
        ),
        with_provider(
            json!({"tracing": [{"randomSamplingPercentage": 0.5, "disableSpanReporting": true,
                "customTags": {"userId": {"header": {"name": "userId", "defaultValue": "unknown"}},
                    "zone": {"environment": {"name": "ZONE", "defaultValue": "none"}}}}]}),
            "localtrace",
        ),
        json!({"metrics": [{"providers": [{"name": "prometheus"}],
            "overrides": [{"match": {"metric": "ALL_METRICS", "mode": "CLIENT_AND_SERVER"},
                "disabled": true}]}]}),
        json!({"metrics": [{"labels": true, "overrides": [
            {"match": {"metric": "REQUEST_COUNT", "mode": "SERVER"},
                "tagOverrides": {"request_url": {"value": "request.url_path"}}},
            {"match": {"metric": "REQUEST_COUNT"},
                "tagOverrides": {"response_code": {"operation": "REMOVE"}}},
        ]}]}),
        json!({"accessLogging": [{"providers": [{"name": "envoy"}],
            "match": {"mode": "SERVER"},
            "filter": {"expression": "response.code >= 400"}}]}),
        json!({"accessLogging": [{"providers": [{"name": "envoy"}], "disabled": true}]}),
        json!({"accessLogging": [{"providers": [{"name": "envoy"}], "filter": {"expression":
            "response.code >= 400 || xds.cluster_name == 'BlackHoleCluster' || xds.cluster_name == 'PassthroughCluster'"}}]}),
    ] {
        assert_eq!(refusal(&document), "accepted", "{document}");
    }
}

#[test]
fn misspelled_fields_get_a_hint() {
    for (document, message) in [
        (json!({"traces": []}), "traces: must be written tracing"),
        (json!({"accessLogs": []}), "accessLogs: must be written accessLogging"),
        (json!({"logging": {}}), "logging: must be written accessLogging"),
        (json!({"providers": []}), "providers: must be written extensionProviders"),
        (
            json!({"selector": {}}),
            "selector: must not be given: it belongs to the WasmPlugin, not to pluginConfig",
        ),
    ] {
        assert_eq!(refusal(&document), message);
    }
}

#[test]
fn no_document_panics() {
    for text in ["", " ", "null", "[]", "1", "\"\"", "{", "{}}", "{\"metrics\": 1}", "\u{0}"] {
        let _ = parse_config::<Config>(text.as_bytes());
    }
    for field in ["metrics", "slos", "operations", "tracing", "accessLogging", "errorWhen"] {
        for value in [json!(null), json!(1), json!("x"), json!([[]]), json!([1]), json!({"x": {}})]
        {
            assert_ne!(refusal(&json!({field: value})), "", "{field}");
        }
    }
}
