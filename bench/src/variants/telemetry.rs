//! Rows of telemetry and of an empty filter with the same callbacks.

use serde_json::{Value, json};

use super::{Variant, wasm};

/// Returns rows that count and time every request.
pub(super) fn all() -> Vec<Variant> {
    let row = |name: &str, filter: Value| Variant {
        name: format!("telemetry {name}"),
        filters: vec![filter],
        ..Variant::default()
    };
    let native = |name: &str, access_log: Value| Variant {
        name: format!("telemetry {name}"),
        access_log: Some(access_log),
        ..Variant::default()
    };
    vec![
        row("empty, same callbacks", wasm("empty_filter_telemetry", &json!({}))),
        row("{}", wasm("telemetry", &json!({}))),
        native("native stats access log", stats_log()),
        native("native JSON access log", json_log()),
        row("Lua, a line logged", lua("handle:logWarn(method .. path .. status .. took)")),
        row("Lua, an unread table", lua("sums[status] = (sums[status] or 0) + took")),
        row("labels, 1,000 operations", wasm("telemetry", &labelled())),
        row("a tenth of new traces reported", wasm("telemetry", &traced(10))),
        called("the caller does not sample", wasm("telemetry", &traced(0)), "00"),
        called("the caller samples, every span reported", wasm("telemetry", &traced(0)), "01"),
    ]
}

/// Returns Envoy's own metrics of this kind: a counter and three histograms with a label.
pub(super) fn stats_log() -> Value {
    let stat = |name: &str, tag: &str, value: &str| json!({"name": name, "tags": [{"name": tag, "value_format": value}]});
    let method = ("request_method", "%REQ(:METHOD)%");
    let histogram = |name: &str, value: &str| json!({"stat": stat(name, method.0, method.1), "value_format": value});
    let counter = stat("requests", "response_code", "%RESPONSE_CODE%");
    json!({"name": "envoy.access_loggers.stats", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config",
        "stat_prefix": "bench",
        "counters": [{"stat": counter, "value_fixed": 1}],
        "histograms": [
            histogram("duration", "%DURATION%"),
            histogram("request_bytes", "%BYTES_RECEIVED%"),
            histogram("response_bytes", "%BYTES_SENT%"),
        ],
    }})
}

/// Returns a part of Istio's access log with `accessLogEncoding: JSON`.
fn json_log() -> Value {
    let fields = [
        ("method", "%REQ(:METHOD)%"),
        ("path", "%REQ(:PATH)%"),
        ("response_code", "%RESPONSE_CODE%"),
        ("duration", "%DURATION%"),
    ];
    let format: serde_json::Map<String, Value> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({"name": "envoy.access_loggers.file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": "/dev/null",
        "log_format": {"json_format": format},
    }})
}

/// Returns a Lua script that reads method, path, status and duration, and runs `act` on them.
fn lua(act: &str) -> Value {
    let script = format!(
        "local sums = {{}}
         function envoy_on_request(handle)
           local headers = handle:headers()
           handle:streamInfo():dynamicMetadata():set('t', 'method', headers:get(':method'))
           handle:streamInfo():dynamicMetadata():set('t', 'path', headers:get(':path'))
           handle:streamInfo():dynamicMetadata():set('t', 'began', handle:timestamp())
         end
         function envoy_on_response(handle)
           local seen = handle:streamInfo():dynamicMetadata():get('t')
           local method, path = seen['method'], seen['path']
           local status = handle:headers():get(':status')
           local took = handle:timestamp() - seen['began']
           {act}
         end"
    );
    json!({"name": "lua", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": script},
    }})
}

/// Returns a row whose requests continue a trace with these flags.
fn called(name: &str, filter: Value, flags: &str) -> Variant {
    let traceparent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
    Variant {
        name: format!("telemetry {name}"),
        filters: vec![filter],
        headers: vec![("traceparent".to_owned(), traceparent)],
        ..Variant::default()
    }
}

/// Returns a configuration that exports spans so often that exports are part of the measurement.
fn traced(percentage: u32) -> Value {
    let queue = json!({"maxBatchDelay": "200ms", "maxItems": 65_536, "maxBytes": 16_777_216});
    let otel = json!({"cluster": "collector", "queue": queue});
    json!({
        "extensionProviders": [{"name": "otel", "opentelemetry": otel}],
        "tracing": {"randomSamplingPercentage": percentage, "maxSpansPerSecond": 100_000},
    })
}

fn labelled() -> Value {
    let operations: Vec<Value> = (0..999)
        .map(|number| json!({"pathTemplate": format!("/service{number}/{{id}}/items/{{item}}")}))
        .chain([json!({"pathTemplate": "/orders/{id}", "methods": ["GET"], "name": "getOrder"})])
        .collect();
    json!({"operations": operations, "metrics": [{"labels": true}]})
}
