//! telemetry beside an empty filter with the same callbacks.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Variant, wasm};

/// What counting and timing every request takes.
pub(super) fn all() -> Result<Vec<Variant>> {
    let row = |name: &str, filter: Value| Variant {
        name: format!("telemetry {name}"),
        filters: vec![filter],
        headers: Vec::new(),
    };
    Ok(vec![
        row("empty, same callbacks", wasm("empty_filter_bodies", &json!({}))?),
        row("{}", wasm("telemetry", &json!({}))?),
        row("labels, 1,000 operations", wasm("telemetry", &labelled())?),
    ])
}

fn labelled() -> Value {
    let operations: Vec<Value> = (0..999)
        .map(|number| json!({"pathTemplate": format!("/service{number}/{{id}}/items/{{item}}")}))
        .chain([json!({"pathTemplate": "/orders/{id}", "methods": ["GET"], "name": "getOrder"})])
        .collect();
    json!({"operations": operations, "metrics": [{"labels": true}]})
}
