//! Pasted blocks of other systems.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn accepts_the_token_bucket_of_envoy() {
    for document in [
        limit(json!({"token_bucket":
            {"max_tokens": 100, "tokens_per_fill": 10, "fill_interval": "1s"}})),
        limit(
            json!({"tokenBucket": {"maxTokens": 100.0, "tokensPerFill": 10, "fillInterval": "0.5s"}}),
        ),
    ] {
        assert_eq!(result(&document), "accepted", "{document}");
    }
}

#[test]
pub(super) fn suggests_the_field_for_protobuf_names() {
    check(vec![
        (
            with(json!({"on_missing_key": "SKIP", "max_keys": 20})),
            "limits[0].max_keys: must be written maxKeys; limits[0].on_missing_key: must be written onMissingKey",
        ),
        (
            json!({"rate_limit_headers": "ALL", "dry_run": true}),
            "dry_run: must be written dryRun; rate_limit_headers: must be written rateLimitHeaders",
        ),
        (
            with(json!({"key": [{"http_header_name": "x-user"}]})),
            "limits[0].key[0].http_header_name: must be written httpHeaderName",
        ),
        (
            with(json!({"reply": {"http_status": 503}})),
            "limits[0].reply.http_status: must be written httpStatus",
        ),
        (
            limit(json!({"token_bucket": {"max_tokens": "100", "fill_interval": "60"}})),
            r#"limits[0].token_bucket.fill_interval: must be a duration such as 250ms or 1h30m, got "60"; limits[0].token_bucket.max_tokens: must be a whole number from 1 to 1000000, got "100": leave out the quotes"#,
        ),
        (
            limit(json!({"token_bucket": {"max_tokens": 1, "refill": 5, "fill_interval": "1s"}})),
            "limits[0].token_bucket.refill: unknown field `refill`, expected one of `maxTokens`, `max_tokens`, `tokensPerFill`, `tokens_per_fill`, `fillInterval`, `fill_interval`",
        ),
        (
            with(json!({"charge": {"response_header": "x"}})),
            "limits[0].charge.response_header: must be written responseHeader",
        ),
    ]);
}

#[test]
pub(super) fn suggests_the_fields_of_this_filter() {
    check(vec![
        // Envoy.
        (
            json!({"stat_prefix": "http_local_rate_limiter",
                "token_bucket": {"max_tokens": 10, "tokens_per_fill": 10, "fill_interval": "60s"},
                "filter_enabled": {"runtime_key": "a", "default_value": {"numerator": 100}},
                "filter_enforced": {"runtime_key": "b", "default_value": {"numerator": 100}}}),
            "filter_enabled: must not be given: use enforced of a limit, or dryRun; filter_enforced: must not be given: use enforced of a limit, or dryRun; stat_prefix: must not be given: metrics carry the name of the limit; token_bucket: must not be given: it belongs in an entry of limits",
        ),
        (
            json!({"statPrefix": "a", "filterEnabled": {}, "filterEnforced": {}, "tokenBucket": {}}),
            "filterEnabled: must not be given: use enforced of a limit, or dryRun; filterEnforced: must not be given: use enforced of a limit, or dryRun; statPrefix: must not be given: metrics carry the name of the limit; tokenBucket: must not be given: it belongs in an entry of limits",
        ),
        (
            json!({"descriptors": [{"entries": [], "token_bucket": {}}]}),
            "descriptors: must not be given: use http with match, and limits with key",
        ),
        (
            json!({"response_headers_to_add": []}),
            "response_headers_to_add: must not be given: use reply of a limit",
        ),
        (
            json!({"local_rate_limit_per_downstream_connection": true}),
            "local_rate_limit_per_downstream_connection: must not be given: use key: [{connection: true}] of a limit",
        ),
        (
            json!({"enable_x_ratelimit_headers": "DRAFT_VERSION_03"}),
            "enable_x_ratelimit_headers: must not be given: use xRatelimitHeaders: true",
        ),
        (
            json!({"domain": "shop", "rate_limits": []}),
            "domain: must not be given: it belongs in rateLimitService; rate_limits: must not be given: use http with match, and limits with key",
        ),
        (
            with(json!({"unit": "minute", "requests_per_unit": 5})),
            "limits[0].requests_per_unit: must not be given: write requests and per, such as requests: 100, per: 60s; limits[0].unit: must not be given: write per, such as per: 60s",
        ),
        // A limit at the top level.
        (
            json!({"requests": 100, "per": "60s", "burst": 5}),
            "burst: must not be given: it belongs in an entry of limits; per: must not be given: it belongs in an entry of limits; requests: must not be given: it belongs in an entry of limits",
        ),
        (
            json!({"requests": 100, "time_window": 60}),
            "requests: must not be given: it belongs in an entry of limits; time_window: must not be given: it belongs in an entry of limits",
        ),
        (
            json!({"concurrent": 100}),
            "concurrent: must not be given: it belongs in an entry of limits",
        ),
        // APISIX, Kong and nginx.
        (
            limit(json!({"requests": 100, "time_window": 60})),
            "limits[0].time_window: must not be given: write per, such as per: 60s",
        ),
        (
            limit(
                json!({"count": 2, "timeWindow": 60, "rejected_code": 503, "key": "remote_addr"}),
            ),
            r#"limits[0].count: must not be given: write requests and per, such as requests: 100, per: 60s; limits[0].key: must be a list, got "remote_addr"; limits[0].rejected_code: must not be given: write reply, such as reply: {httpStatus: 503}; limits[0].timeWindow: must not be given: write per, such as per: 60s"#,
        ),
        (
            limit(json!({"rate": 1, "burst": 2, "key_type": "var"})),
            "limits[0].key_type: must not be given: write key, such as key: [{useSourceIp: true}]; limits[0].rate: must not be given: write requests and per, such as requests: 100, per: 60s",
        ),
        (
            limit(json!({"rate": "10r/s", "nodelay": true})),
            "limits[0].nodelay: must not be given: without wait no request is delayed; burst is one larger than in nginx; limits[0].rate: must not be given: write requests and per, such as requests: 100, per: 60s",
        ),
        (
            limit(json!({"limit": [10], "window_size": [60]})),
            "limits[0].limit: must not be given: write requests and per, such as requests: 100, per: 60s; limits[0].window_size: must not be given: write per, such as per: 60s",
        ),
        (
            limit(json!({"minute": 100, "hour": 1_000})),
            "limits[0].hour: must not be given: write requests and per, such as requests: 100, per: 60s; limits[0].minute: must not be given: write requests and per, such as requests: 100, per: 60s",
        ),
        // Istio.
        (
            json!({"selector": {}, "targetRef": {}, "targetRefs": []}),
            "selector: must not be given: it belongs to the WasmPlugin, not to pluginConfig; targetRef: must not be given: it belongs to the WasmPlugin, not to pluginConfig; targetRefs: must not be given: it belongs to the WasmPlugin, not to pluginConfig",
        ),
        (
            json!({"hosts": ["a"], "gateways": ["b"], "http": []}),
            "gateways: must not be given: it stays in the VirtualService; hosts: must not be given: it stays in the VirtualService",
        ),
        (
            entry(json!({"headers": {"request": {}}, "retries": {"attempts": 3}})),
            "http[0].headers: must not be given: it stays in the VirtualService; http[0].retries: must not be given: it stays in the VirtualService",
        ),
        (
            entry(json!({"fault": {}})),
            "http[0].fault: must not be given: it stays in the VirtualService",
        ),
        (
            entry(json!({"match": [{"port": 80, "sourceLabels": {}, "gateways": []}]})),
            "http[0].match[0].gateways: must not be given: it selects proxies, use selector or targetRefs of the WasmPlugin; http[0].match[0].port: must not be given: a request does not have it, use match.ports of the WasmPlugin; http[0].match[0].sourceLabels: must not be given: a proxy does not have it, use source.principal, or selector of the client's WasmPlugin",
        ),
        (
            entry(json!({"match": {"uri": {"prefix": "/"}}})),
            "http[0].match: must be a list, got an object",
        ),
    ]);
    for field in ["route", "timeout", "retries", "rewrite", "mirror", "headers", "redirect"] {
        let message = format!("http[0].{field}: must not be given: it stays in the VirtualService");
        assert_eq!(result(&entry(json!({field: {}}))), message);
    }
}
