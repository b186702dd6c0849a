//! Policies as a configuration of Envoy's RBAC filter, translated as in Istio.

use super::{Filter, Value, json};

/// Returns a filter for the DENY policies and one for the ALLOW policies, if there are any.
pub(super) fn filters(document: &Value) -> Vec<Filter> {
    ["DENY", "ALLOW"].into_iter().filter_map(|action| rbac(document, action)).collect()
}

fn rbac(document: &Value, action: &str) -> Option<Filter> {
    let mut policies = json!({});
    let mut is_used = false;
    for policy in list(document, "policies").filter(|policy| policy["action"] == action) {
        is_used = true;
        for (index, rule) in list(policy, "rules").enumerate() {
            let name = format!("{}-{index}", policy["name"]);
            policies[name] = json!({
                "permissions": [any("or_rules", "rules", entries(rule, "to", "operation"))],
                "principals": [{"and_ids": {"ids": [
                    any("or_ids", "ids", entries(rule, "from", "source")),
                    all("and_ids", "ids", list(rule, "when").flat_map(condition).collect()),
                ]}}],
            });
        }
    }
    let kind = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
    let rules = json!({"action": action, "policies": policies});
    let config = json!({"@type": kind, "rules": rules});
    let name = format!("rbac-{action}");
    is_used.then(|| Filter::native(json!({"name": name, "typed_config": config})))
}

fn list<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    object.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// Returns the translated entries of `from` or `to`.
fn entries(rule: &Value, field: &str, entry: &str) -> Vec<Value> {
    let (and, inner) = if field == "to" { ("and_rules", "rules") } else { ("and_ids", "ids") };
    let parts = list(rule, field).filter_map(|item| item.get(entry)?.as_object());
    let fields = parts.map(|fields| {
        let translated = fields.iter().map(|(name, values)| values_of(name, values, inner));
        all(and, inner, translated.collect())
    });
    fields.collect()
}

fn condition(condition: &Value) -> Vec<Value> {
    let fields = ["values", "notValues"].into_iter();
    let given = fields.filter_map(|field| Some((field, condition.get(field)?)));
    given.map(|(field, values)| values_of(field, values, "ids")).collect()
}

/// Returns the matcher for a list of values; `inner` is `rules` or `ids`.
fn values_of(field: &str, values: &Value, inner: &str) -> Value {
    let texts = values.as_array().into_iter().flatten().filter_map(Value::as_str);
    let (or, not) = if inner == "rules" { ("or_rules", "not_rule") } else { ("or_ids", "not_id") };
    let positive = field.strip_prefix("not").unwrap_or(field).to_lowercase();
    let matchers: Vec<_> = texts.map(|text| value(&positive, text)).collect();
    let matcher = json!({or: {inner: matchers}});
    if field.starts_with("not") { json!({not: matcher}) } else { matcher }
}

fn value(field: &str, text: &str) -> Value {
    match field {
        "paths" if text.contains('{') => {
            let kind = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3\
                        .UriTemplateMatchConfig";
            let template = text.replace("{*}", "*").replace("{**}", "**");
            json!({"uri_template": {"name": "uri-template",
                "typed_config": {"@type": kind, "path_template": template}}})
        }
        "paths" if text == "*" => {
            json!({"url_path": {"path": {"safe_regex": {"regex": ".+"}}}})
        }
        "paths" => json!({"url_path": {"path": pattern(text, false)}}),
        "hosts" => header(":authority", text, true),
        "methods" => header(":method", text, false),
        "values" => header("x-role", text, false),
        _ => {
            let (address, length) = text.split_once('/').unwrap_or((text, "32"));
            let length: u32 = length.parse().unwrap_or_default();
            let matcher = if field == "ipblocks" { "direct_remote_ip" } else { "remote_ip" };
            json!({matcher: {"address_prefix": address, "prefix_len": length}})
        }
    }
}

fn header(name: &str, text: &str, ignore_case: bool) -> Value {
    match text {
        "*" => json!({"header": {"name": name, "present_match": true}}),
        text => json!({"header": {"name": name, "string_match": pattern(text, ignore_case)}}),
    }
}

fn pattern(text: &str, ignore_case: bool) -> Value {
    let (kind, text) = if let Some(suffix) = text.strip_prefix('*') {
        ("suffix", suffix)
    } else if let Some(prefix) = text.strip_suffix('*') {
        ("prefix", prefix)
    } else {
        ("exact", text)
    };
    json!({kind: text, "ignore_case": ignore_case})
}

/// Returns a disjunction, which is true without parts.
fn any(operator: &str, inner: &str, parts: Vec<Value>) -> Value {
    if parts.is_empty() { json!({"any": true}) } else { json!({operator: {inner: parts}}) }
}

/// Returns a conjunction, which is true without parts.
fn all(operator: &str, inner: &str, parts: Vec<Value>) -> Value {
    any(operator, inner, parts)
}
