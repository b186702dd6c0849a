//! Warnings about documents that are accepted.

use filter_core::{Captures, HttpMatch, Request, Warning};

use super::{Definition, service, target};
use crate::{
    config::{Config, FailureMode, KeyConfig},
    policy::{LimitKind, Policy, Rule, cost::Cost},
};

/// Returns the warnings about a document that is accepted.
pub(super) fn all(
    config: &Config,
    definitions: &[Definition<'_>],
    policy: &Policy,
) -> Vec<Warning> {
    let mut warnings: Vec<_> = service::unused(config, definitions).into_iter().collect();
    for (index, entry) in config.http.iter().enumerate() {
        if entry.limits.is_empty() && entry.r#match.iter().all(HttpMatch::is_unconditional) {
            let path = format_args!("http[{index}]");
            warnings.push(Warning::new(path, "has no limits, so it exempts every request"));
        }
    }
    for definition in definitions {
        warnings.extend(client_key(definition));
        warnings.extend(local_key(definition, policy));
        warnings.extend(second_draw(definition, definitions));
    }
    for (definition, rule) in definitions.iter().zip(&policy.rules) {
        warnings.extend(impossible(definition, rule, policy));
    }
    warnings
}

/// Warns of a key with a value that the client chooses: each new value has a new count, whatever the
/// other components are.
fn client_key(definition: &Definition<'_>) -> Option<Warning> {
    let is_client_written = |key: &KeyConfig| {
        key.http_header_name.is_some()
            || key.http_query_parameter_name.is_some()
            || key.http_cookie.is_some()
    };
    definition.config.key.iter().any(is_client_written).then(|| {
        Warning::new(
            format_args!("{}.key", definition.path),
            "is written by the client, which can use a new value for each request: add a limit with another key, such as useSourceIp, unless an earlier filter verifies the value",
        )
    })
}

/// Warns of a descriptor that separates clients which share a count while the service is down.
fn local_key(definition: &Definition<'_>, policy: &Policy) -> Option<Warning> {
    let is_local =
        policy.service.as_ref().is_some_and(|service| service.failure_mode == FailureMode::Local);
    let config = definition.config;
    let has_values = config.descriptor.iter().any(|entry| entry.value.contains('%'));
    (is_local && has_values && config.key.is_empty()).then(|| {
        Warning::new(
            format_args!("{}.descriptor", definition.path),
            "has values of the request without key: while the service does not answer, failureMode LOCAL counts all requests together",
        )
    })
}

/// Warns of a draw that never admits a request.
fn impossible(definition: &Definition<'_>, rule: &Rule, policy: &Policy) -> Option<Warning> {
    let limit = policy.limits.get(rule.limit)?;
    let LimitKind::Rate(spec) = &limit.kind else { return None };
    if spec.reads_claims() {
        return None;
    }
    let request = Request::default();
    let (_, requests) = spec.for_request(&request);
    let burst = spec.burst_for(requests);
    let amount = rule.amount(&request, &Captures::default(), burst);
    let usable = burst.saturating_sub(amount.reserve);
    let (field, units) = match &rule.cost {
        Cost::Fixed(units) => (if amount.reserve > 0 { "reserve" } else { "cost" }, *units),
        Cost::From { .. } => return None,
    };
    (units > usable).then(|| {
        Warning::new(
            format_args!("{}.{field}", definition.path),
            format_args!("refuses every request: it needs {units} units, of at most {usable}"),
        )
    })
}

/// Warns of a limit whose requests draw from the same counts already.
fn second_draw(definition: &Definition<'_>, definitions: &[Definition<'_>]) -> Option<Warning> {
    let is_same_request =
        |other: &Definition<'_>| other.entry.is_none() || other.entry == definition.entry;
    let earlier = definitions.iter().take_while(|other| other.path != definition.path);
    let mut same = earlier
        .filter(|other| is_same_request(other) && target(other) == target(definition))
        // A request and its response can cost separately.
        .filter(|other| other.config.charge.is_some() == definition.config.charge.is_some());
    let other = same.next()?;
    let text = format_args!("draws a second time for each request, after {}", other.path);
    Some(Warning::new(&definition.path, text))
}
