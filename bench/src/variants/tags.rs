//! Rows of routing-tags, and of header_to_metadata and Lua for the same header rule.

use serde_json::{Value, json};

use super::{HeaderList, Variant, wasm};

/// Returns rows of the native filter, a Lua script and ours: one rule, many, and splits.
pub(super) fn all() -> Vec<Variant> {
    let premium = headers(&[("x-user-type", "premium")]);
    let basic = headers(&[("x-user-type", "basic")]);
    let user = headers(&[("x-user-type", "premium"), ("x-user", "alice")]);
    let mut variants = vec![
        Variant {
            name: "tags: header_to_metadata".into(),
            filters: vec![native()],
            headers: premium.clone(),
            ..Variant::default()
        },
        Variant {
            name: "tags: Lua".into(),
            filters: vec![lua()],
            headers: premium.clone(),
            ..Variant::default()
        },
    ];
    for (name, http, headers) in [
        ("no rule", json!([]), &premium),
        ("1 rule for all", json!([{"tag": "v2"}]), &premium),
        ("1 rule", rules(1), &premium),
        ("1 rule, miss", rules(1), &basic),
        ("100 rules", rules(100), &premium),
        ("1000 rules", rules(1000), &premium),
        ("1000 rules, miss", rules(1000), &basic),
        ("split by header", json!([split()]), &user),
        ("canary by header", json!([canary()]), &user),
    ] {
        variants.push(Variant {
            name: format!("tags: routing-tags {name}"),
            filters: vec![wasm("routing_tags", &json!({"http": http}))],
            headers: headers.clone(),
            ..Variant::default()
        });
    }
    variants
}

fn headers(pairs: &[(&str, &str)]) -> HeaderList {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Returns `count` rules on one header; the middle one matches `premium`.
pub(super) fn rules(count: usize) -> Value {
    let rule = |index| {
        let value = if index == count / 2 { "premium".to_owned() } else { format!("type-{index}") };
        let matches = json!([{"headers": {"x-user-type": {"exact": value}}}]);
        json!({"match": matches, "tag": format!("v{index}")})
    };
    (0..count).map(rule).collect()
}

fn split() -> Value {
    json!({
        "name": "frontend",
        "match": [{"headers": {"x-user-type": {"exact": "premium"}}}],
        "split": [{"tag": "stable", "weight": 90}, {"tag": "canary", "weight": 10}],
        "consistentHash": {"httpHeaderName": "x-user"},
    })
}

fn canary() -> Value {
    json!({
        "name": "frontend",
        "match": [{"headers": {"x-user-type": {"exact": "premium"}}}],
        "canary": {
            "baselineTag": "stable", "canaryTag": "canary", "startsAt": "2026-01-01T00:00:00Z",
            "initialWeight": 10, "increment": 1, "interval": "1h", "maxWeight": 10,
        },
        "consistentHash": {"httpHeaderName": "x-user"},
    })
}

pub(super) fn native() -> Value {
    json!({"name": "header_to_metadata", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
        "request_rules": [{
            "header": "x-user-type",
            "on_header_present": {"metadata_namespace": "envoy.lb", "key": "version", "value": "v2"},
        }],
    }})
}

fn lua() -> Value {
    let script = "function envoy_on_request(handle)
  local headers = handle:headers()
  if headers:get('x-user-type') == 'premium' then
    headers:replace('x-weir-tag', 'v2')
  else
    headers:remove('x-weir-tag')
  end
end";
    json!({"name": "lua", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": script},
    }})
}
