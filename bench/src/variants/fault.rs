//! Rows of fault-injection, Envoy's fault filter and an empty filter with the same callbacks.

use serde_json::{Value, json};

use super::{HeaderList, Variant, wasm};

/// Returns rows in which a fault is rare, and rows in which no entry matches.
///
/// Aborts have status 200, because the load accepts no other.
pub(super) fn all() -> Vec<Variant> {
    let tester = || vec![("x-user-type".to_owned(), "tester".to_owned())];
    let row = |name: &str, filter: Value, headers: HeaderList| Variant {
        name: format!("fault {name}"),
        filters: vec![filter],
        headers,
        ..Variant::default()
    };
    vec![
        row("empty, same callbacks", wasm("empty_filter_fault_injection", &json!({})), tester()),
        row("fault-injection {}", wasm("fault_injection", &json!({})), tester()),
        row("native 1 %", native(1), tester()),
        row("fault-injection 1 %", wasm("fault_injection", &ours(1)), tester()),
        row("fault-injection 1 %, automatic stop", wasm("fault_injection", &guarded()), tester()),
        row("native 100 %, no match", native(100), Vec::new()),
        row("fault-injection 100 %, no match", wasm("fault_injection", &ours(100)), Vec::new()),
    ]
}

/// Returns an abort of requests whose user type is `tester`.
pub(super) fn ours(percent: u32) -> Value {
    json!({"http": [{
        "match": [{"headers": {"x-user-type": {"exact": "tester"}}}],
        "fault": {"abort": {"percentage": {"value": percent}, "httpStatus": 200}},
    }]})
}

/// Returns [`ours`] at 1 % with success criteria, which count every response.
fn guarded() -> Value {
    let criteria = json!({"maxErrorRate": {"value": 50}});
    json!({"http": ours(1).get("http"), "successCriteria": criteria})
}

/// Returns the native filter as Istio configures it for the same entry.
pub(super) fn native(percent: u32) -> Value {
    json!({"name": "fault", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
        "headers": [{"name": "x-user-type", "string_match": {"exact": "tester"}}],
        "abort": {"http_status": 200, "percentage": {"numerator": percent, "denominator": "HUNDRED"}},
    }})
}
