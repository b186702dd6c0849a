//! Any bytes are accepted or refused as a document of each filter, and no error shows a secret.

#![no_main]

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use filter_core::{Headers, InvalidConfig, Request, parse_config};
use fuzz::{legal, policies};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// Secret that no document contains by accident.
const SECRET: &str = "HiddenHiddenHidden";
/// Secret as a number.
const NUMBER: u64 = 7_313_773_137_731;
/// Paths of secrets in documents; `*` is any entry of a list.
const SECRET_PATHS: [&str; 5] = [
    "jwtRules/*/keys/*/secret",
    "jwtRules/*/jwks",
    "extensionProviders/*/opentelemetry/http/headers/*/value",
    "extensionProviders/*/opentelemetry/grpc/initialMetadata/*/value",
    "redaction/key",
];

fuzz_target!(|document: &[u8]| {
    for refused in refusals(document) {
        legal::refusal(&refused, document);
    }
    let Ok(mut hidden) = serde_json::from_slice::<Value>(document) else { return };
    if SECRET_PATHS.map(|path| hide(&mut hidden, path)).contains(&true) {
        for refused in refusals(hidden.to_string().as_bytes()) {
            assert_hidden(&refused.to_string());
        }
    }
});

/// Compiles a document with every filter and returns their errors.
fn refusals(document: &[u8]) -> impl Iterator<Item = InvalidConfig> {
    let refused = [
        tokens(document),
        limits(document),
        access(document),
        tags(document),
        faults(document),
        telemetry(document),
    ];
    refused.into_iter().filter_map(Result::err)
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(policies::NOW)
}

fn tokens(document: &[u8]) -> Result<(), InvalidConfig> {
    let policy = policies::tokens(document)?;
    policy.warnings().iter().for_each(|warning| assert_line(&warning.to_string()));
    let worker = policy.worker();
    let keys = worker.sources.iter().map(|source| source.spec().fetch.cluster.to_string());
    keys.for_each(|cluster| legal::header_value(cluster.as_bytes()));
    Ok(())
}

fn limits(document: &[u8]) -> Result<(), InvalidConfig> {
    let policy = policies::limits(document)?;
    policy.warnings().iter().for_each(|warning| assert_line(&warning.to_string()));
    policy.stat_tags().iter().for_each(|tag| legal::line(tag));
    let limits = policy.limits();
    assert!(limits.iter().map(|limit| limit.pages).sum::<u64>() <= 65_536);
    assert!(limits.iter().all(|limit| limit.pages.is_power_of_two()));
    assert!(limits.iter().all(|limit| limit.concurrent().is_some() != limit.rate().is_some()));
    let names: BTreeSet<_> = limits.iter().map(|limit| &limit.name).collect();
    assert_eq!(names.len(), limits.len(), "a name occurs twice");
    let is_legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    assert!(names.iter().all(|name| name.bytes().all(is_legal)), "{names:?}");
    Ok(())
}

fn access(document: &[u8]) -> Result<(), InvalidConfig> {
    let policies = policies::access(document)?;
    policies.warnings().iter().for_each(|warning| assert_line(&warning.to_string()));
    let names: Vec<_> = policies.names().collect();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "a name occurs twice");
    for name in names {
        let counters = access_control::PolicyMetric::ALL;
        let names = counters.map(|counter| counter.name(name, policies.has_labels()));
        names.iter().for_each(|name| legal::line(name));
    }
    let decision = policies.decide(&Request::default(), now());
    legal::line(&policies.summary(&decision));
    legal::reply(&policies.reply(&policies.unreadable(), &Headers::default()));
    Ok(())
}

fn tags(document: &[u8]) -> Result<(), InvalidConfig> {
    let policy = policies::tags(document)?;
    policy.warnings().iter().for_each(|warning| assert_line(&warning.to_string()));
    policy.counters().iter().for_each(|name| legal::line(name));
    for (index, _) in policy.canaries() {
        assert!(policy.canary_weight(index, now(), false) <= 10_000);
        assert!(policy.canary_weight(index, now(), true) <= 10_000);
    }
    let _ = policy.is_unchanged(now(), now() + Duration::from_secs(3));
    Ok(())
}

fn faults(document: &[u8]) -> Result<(), InvalidConfig> {
    let policy = policies::faults(document)?;
    let expired = policy.expiry_warnings(now());
    let warnings = policy.warnings().iter().chain(&expired);
    warnings.for_each(|warning| assert_line(&warning.to_string()));
    let state = policy.schedule_state(now());
    assert!(policy.transitions(&state, &state).is_empty(), "a transition without a change");
    policy.labels().into_iter().for_each(legal::line);
    Ok(())
}

fn telemetry(document: &[u8]) -> Result<(), InvalidConfig> {
    let config: telemetry::Config = parse_config(document)?;
    let rules = telemetry::prometheus::Rules::new(&config).to_string();
    assert!(!rules.is_empty());
    let policy = policies::telemetry(document)?;
    policy.warnings().iter().for_each(|warning| assert_line(&warning.to_string()));
    policy.stat_tags().into_iter().for_each(legal::line);
    for direction in telemetry::Direction::ALL {
        let families = policy.plan(direction).groups.iter().flat_map(|group| &group.families);
        families.for_each(|family| legal::line(&family.name));
    }
    Ok(())
}

fn assert_line(text: &str) {
    legal::line(text);
    assert_hidden(text);
}

fn assert_hidden(text: &str) {
    assert!(!text.contains(SECRET) && !text.contains(&NUMBER.to_string()), "a secret: {text}");
}

/// Inserts secrets at a path, of the same kind as the present value; returns `true` if the path
/// exists.
fn hide(document: &mut Value, path: &str) -> bool {
    let (step, rest) = path.split_once('/').unwrap_or((path, ""));
    let mut inner: Vec<&mut Value> = match document {
        Value::Array(list) if step == "*" => list.iter_mut().collect(),
        Value::Object(members) => members.get_mut(step).into_iter().collect(),
        _ => Vec::new(),
    };
    if rest.is_empty() {
        inner.iter_mut().for_each(|value| **value = secret(value, step));
        return !inner.is_empty();
    }
    let found = inner.into_iter().filter_map(|value| hide(value, rest).then_some(()));
    found.count() > 0
}

fn secret(value: &Value, field: &str) -> Value {
    match value {
        Value::String(text) if field == "jwks" => match serde_json::from_str(text) {
            Ok(keys) => json!(secret_keys(keys).to_string()),
            Err(_) => json!(format!("{SECRET}{text}")),
        },
        Value::String(text) => json!(format!("{SECRET}{text}")),
        Value::Number(_) => json!(NUMBER),
        Value::Array(_) => json!([SECRET]),
        _ => json!(SECRET),
    }
}

/// Returns a key set, or a value in its place, whose keys are secrets.
fn secret_keys(mut set: Value) -> Value {
    let Some(keys) = set.get_mut("keys") else { return secret(&set, "") };
    let Some(keys) = keys.as_array_mut() else {
        *keys = secret(keys, "");
        return set;
    };
    for key in keys {
        if !key.is_object() {
            *key = secret(key, "");
        } else if let Some(inner) = key.get_mut("k") {
            *inner = secret(inner, "");
        }
    }
    set
}
