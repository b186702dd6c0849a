//! Rows of rate-limit, Envoy's local rate limit filter and an empty filter with the same callbacks.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{HeaderList, Variant, wasm};

/// Returns rows in which every request is admitted, and rows in which every request is refused.
pub(super) fn all() -> Vec<Variant> {
    let user = || vec![("x-user".to_owned(), "alice".to_owned())];
    let row = |name: &str, filter: Value, headers: HeaderList| Variant {
        name: format!("limit {name}"),
        filters: vec![filter],
        headers,
        ..Variant::default()
    };
    let refused = |name: &str, filter: Value, headers: HeaderList| Variant {
        status: StatusCode::TOO_MANY_REQUESTS,
        ..row(name, filter, headers)
    };
    let header = json!([{"httpHeaderName": "x-user"}]);
    let address = json!([{"useSourceIp": true}]);
    vec![
        row("empty, same callbacks", wasm("empty_filter_rate_limit", &json!({})), Vec::new()),
        row("rate-limit {}", wasm("rate_limit", &json!({})), Vec::new()),
        row("native", native(LARGE, &[]), Vec::new()),
        row("rate-limit no key", ours(LARGE, &json!([])), Vec::new()),
        row("native descriptor", native(LARGE, &["alice"]), user()),
        row("rate-limit header key", ours(LARGE, &header), user()),
        row("rate-limit source address", ours(LARGE, &address), Vec::new()),
        refused("native refused", native(1, &[]), Vec::new()),
        refused("rate-limit refused", ours(1, &json!([])), Vec::new()),
        refused("rate-limit header key refused", ours(1, &header), user()),
    ]
}

/// A number of requests that the load never reaches.
const LARGE: u64 = 1_000_000;

/// Returns the filter with one limit: per second for [`LARGE`], otherwise per 720 hours.
pub(super) fn ours(requests: u64, key: &Value) -> Value {
    let per = if requests == LARGE { "1s" } else { "720h" };
    let limit = json!({"name": "bench", "requests": requests, "per": per, "key": key});
    wasm("rate_limit", &json!({"limits": [limit]}))
}

/// Returns the native filter with a bucket for each of these users.
pub(super) fn native(tokens: u64, users: &[&str]) -> Value {
    let interval = if tokens == LARGE { "1s" } else { "2592000s" };
    let bucket =
        json!({"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": interval});
    let all = json!({"numerator": 100, "denominator": "HUNDRED"});
    let descriptor =
        |user: &&str| json!({"entries": [{"key": "user", "value": user}], "token_bucket": bucket});
    let descriptors: Vec<_> = users.iter().map(descriptor).collect();
    let actions = json!([{"actions": [
        {"request_headers": {"header_name": "x-user", "descriptor_key": "user"}},
    ]}]);
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "bench",
        "token_bucket": bucket,
        "filter_enabled": {"default_value": all},
        "filter_enforced": {"default_value": all},
        "rate_limits": if descriptors.is_empty() { json!([]) } else { actions },
        "descriptors": descriptors,
    });
    json!({"name": "local_ratelimit", "typed_config": config})
}
