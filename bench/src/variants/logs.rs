//! Rows of telemetry's access logs and expressions.

use serde_json::{Value, json};

use super::{Variant, wasm};

/// Returns rows with filters and access logs in addition to metrics.
pub(super) fn all() -> Vec<Variant> {
    let row = |name: &str, config: &Value| -> Variant {
        Variant {
            name: format!("telemetry {name}"),
            filters: vec![wasm("telemetry", config)],
            headers: vec![("x-user-type".to_owned(), "premium".to_owned())],
            ..Variant::default()
        }
    };
    let log = |entry: Value| json!({ "accessLogging": entry });
    let errors = json!({"filter": {"expression": "response.code >= 400"}});
    vec![
        row("{}, one header more", &json!({})),
        row("errors logged, none happen", &log(errors)),
        row("a tenth of requests logged", &log(tenth(&json!({})))),
        row("a tenth logged with four fields", &log(tenth(&four()))),
        row("a counter by one header", &counter("request.headers['x-user-type'] == 'premium'")),
        row(
            "a counter by header, path and code",
            &counter(
                "request.headers['x-user-type'] == 'premium' \
                 && request.url_path.startsWith('/orders/') && response.code < 400",
            ),
        ),
    ]
}

/// Logs every tenth request, which stays below a worker's rate limit.
fn tenth(fields: &Value) -> Value {
    json!({"percentage": {"value": 10}, "maxPerSecond": 10_000, "fields": fields})
}

/// Removes all standard fields except those that the Lua script writes.
fn four() -> Value {
    let removed = [
        "start_time",
        "authority",
        "protocol",
        "response_code_details",
        "response_flags",
        "bytes_received",
        "bytes_sent",
        "upstream_host",
        "upstream_cluster",
        "route_name",
        "downstream_remote_address",
        "x_forwarded_for",
        "user_agent",
        "request_id",
        "trace_id",
        "span_id",
        "error",
    ];
    let fields = removed.map(|name| (name.to_owned(), json!({"operation": "REMOVE"})));
    Value::Object(fields.into_iter().collect())
}

fn counter(condition: &str) -> Value {
    let definition = json!({"name": "own", "filter": {"expression": condition}});
    json!({"metrics": {"definitions": [definition]}})
}
