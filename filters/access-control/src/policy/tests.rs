mod audited;
mod bypasses;
mod cases;
mod documents;
mod explained;
mod fetched_lists;
mod indexed;
mod kleene;
mod lint;
mod lists;
mod metadata;
mod sources;
mod trust_domains;
mod verdicts;

use std::time::SystemTime;

use filter_core::{Headers, Request, parse_config};
use serde_json::{Value, json};

use super::*;
use crate::Config;

fn policies(document: &Value) -> Policies {
    let config = parse_config::<Config>(document.to_string().as_bytes());
    let config = config.unwrap_or_else(|error| panic!("{document}: {error}"));
    Policies::new(&config).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// Returns the errors of a document that is refused.
fn errors(document: &Value) -> String {
    let config = parse_config::<Config>(document.to_string().as_bytes());
    match config.and_then(|config| Policies::new(&config)) {
        Ok(_) => panic!("accepted: {document}"),
        Err(error) => error.to_string(),
    }
}

fn policy(action: &str, rules: Value) -> Value {
    json!({"name": action.to_lowercase(), "action": action, "rules": rules})
}

/// Returns a request of a workload, with a method, a path and a host.
fn request(headers: &[(&str, &str)]) -> Request {
    let usual = [(":method", "GET"), (":path", "/"), (":authority", "shop.example")];
    let given = |name: &str| headers.iter().any(|(found, _)| *found == name);
    let usual = usual.into_iter().filter(|(name, _)| !given(name));
    Request {
        headers: usual.chain(headers.iter().copied()).collect::<Headers>(),
        source_principal: Some(b"spiffe://cluster.local/ns/shop/sa/web".to_vec()),
        attributes: [
            ("source.address".to_owned(), b"10.1.2.3:4567".to_vec()),
            ("destination.port".to_owned(), 8080_i64.to_le_bytes().to_vec()),
        ]
        .into(),
        ..Request::default()
    }
}

fn decide(document: &Value, request: &Request) -> Verdict {
    policies(document).decide(request, SystemTime::UNIX_EPOCH).verdict
}

fn allows(document: &Value, request: &Request) -> bool {
    decide(document, request).is_allowed
}

/// Returns `true` if a rule allows a request, and asserts that a DENY policy with the same rule
/// denies it, unless a value of the request is unsure.
fn matches(rule: &Value, request: &Request) -> bool {
    let of = |action: &str| decide(&json!({"action": action, "rules": [rule]}), request);
    let (allow, deny) = (of("ALLOW"), of("DENY"));
    assert_eq!(allow.is_unsure, deny.is_unsure, "{rule}");
    if !allow.is_unsure {
        assert_eq!(allow.is_allowed, !deny.is_allowed, "{rule}");
    }
    allow.is_allowed
}

/// Returns `true` if a rule can be read in two ways for a request: neither does it allow, nor does a
/// DENY policy let it pass.
fn is_unsure(rule: &Value, request: &Request) -> bool {
    let of = |action: &str| decide(&json!({"action": action, "rules": [rule]}), request);
    let (allow, deny) = (of("ALLOW"), of("DENY"));
    assert!(!allow.is_allowed || deny.is_allowed, "{rule}");
    allow.is_unsure && deny.is_unsure && !allow.is_allowed && !deny.is_allowed
}
