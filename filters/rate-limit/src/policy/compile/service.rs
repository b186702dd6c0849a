//! Checks of the rate-limit service.

use std::time::Duration;

use filter_core::{
    ClusterRef, ConfigErrors, PlaceholderKind, PlaceholderText, Warning, is_printable,
};

use super::Definition;
use crate::{
    config::{Config, LimitConfig, RateLimitServiceConfig, Scope},
    policy::global::{DescriptorSpec, ServiceSpec},
    service::Unit,
};

const TIMEOUT: Duration = Duration::from_millis(20);
const MAX_BATCH: u32 = 100;
const MAX_ENTRIES: usize = 16;
const KINDS: [PlaceholderKind; 3] =
    [PlaceholderKind::Claim, PlaceholderKind::Request, PlaceholderKind::Path];

/// Compiles the service, and checks the limits that use it.
pub(super) fn compile(
    config: &Config,
    definitions: &[Definition<'_>],
    errors: &mut ConfigErrors,
) -> Option<ServiceSpec> {
    let service = config.rate_limit_service.as_ref();
    for definition in definitions.iter().filter(|definition| is_global(definition.config)) {
        check_limit(definition, service, errors);
    }
    let service = service?;
    let cluster = cluster(service, errors);
    if service.domain.is_empty() || service.domain.len() > 256 || !is_printable(&service.domain) {
        errors.add("rateLimitService.domain", "must be 1 to 256 characters of printable ASCII");
    }
    let batch = service.max_batch.and_then(|max| u32::try_from(max.get()).ok());
    let authority = service.service.clone().or_else(|| service.cluster.clone());
    Some(ServiceSpec {
        cluster: cluster?.as_str().to_owned(),
        authority: authority.unwrap_or_default(),
        domain: service.domain.clone(),
        mode: service.mode,
        timeout: service.timeout.map_or(TIMEOUT, |timeout| timeout.get()),
        max_batch: batch.unwrap_or(MAX_BATCH),
        failure_mode: service.failure_mode,
        sends_limit: service.send_limit,
    })
}

/// Returns a warning about a service that no limit uses.
pub(super) fn unused(config: &Config, definitions: &[Definition<'_>]) -> Option<Warning> {
    let is_used = definitions.iter().any(|definition| is_global(definition.config));
    (config.rate_limit_service.is_some() && !is_used)
        .then(|| Warning::new("rateLimitService", "is not used: no limit has scope GLOBAL"))
}

fn is_global(config: &LimitConfig) -> bool {
    config.scope == Scope::Global
}

fn cluster(service: &RateLimitServiceConfig, errors: &mut ConfigErrors) -> Option<ClusterRef> {
    match service.named_cluster() {
        Ok(Some(cluster)) => Some(cluster),
        Ok(None) => {
            errors.add("rateLimitService", "must have service with port, or cluster");
            None
        }
        Err(invalid) => {
            errors.add(format_args!("rateLimitService.{}", invalid.field()), invalid);
            None
        }
    }
}

fn check_limit(
    definition: &Definition<'_>,
    service: Option<&RateLimitServiceConfig>,
    errors: &mut ConfigErrors,
) {
    let Definition { config, path, .. } = definition;
    if service.is_none() {
        errors.add(
            format_args!("{path}.scope"),
            "must be POD without rateLimitService at the top level",
        );
    }
    for (field, is_given) in [
        ("concurrent", config.concurrent.is_some()),
        ("charge", config.charge.is_some()),
        ("reserve", config.reserve.is_some()),
        ("wait", config.wait.is_some()),
    ] {
        if is_given {
            errors.add(
                format_args!("{path}.{field}"),
                "must not be given with scope GLOBAL: the service only applies rates",
            );
        }
    }
    let per = config.per.map(|per| per.get());
    let per = per.or(config.token_bucket.map(|bucket| bucket.fill_interval.get()));
    let sends_limit = service.is_some_and(|service| service.send_limit);
    if sends_limit && per.is_some_and(|per| Unit::from_duration(per).is_none()) {
        errors.add(format_args!("{path}.per"), "must be 1s, 1m, 1h or 24h with sendLimit");
    }
}

/// Compiles the descriptor of a limit; `None` for the default one.
pub(super) fn descriptor(
    definition: &Definition<'_>,
    errors: &mut ConfigErrors,
) -> Option<DescriptorSpec> {
    let Definition { config, path, .. } = definition;
    if config.descriptor.is_empty() {
        return None;
    }
    let path = format!("{path}.descriptor");
    if !is_global(config) {
        errors.add(&path, "must not be given without scope GLOBAL");
    }
    if config.descriptor.len() > MAX_ENTRIES {
        let got = config.descriptor.len();
        errors.add(&path, format_args!("must have at most {MAX_ENTRIES} entries, got {got}"));
    }
    let mut entries = Vec::new();
    for (index, entry) in config.descriptor.iter().enumerate() {
        if entry.key.is_empty() || entry.key.len() > 256 || !is_printable(&entry.key) {
            errors.add(
                format_args!("{path}[{index}].key"),
                "must be 1 to 256 characters of printable ASCII",
            );
        }
        let value = format!("{path}[{index}].value");
        if entry.value.is_empty() {
            errors.add(&value, "must not be empty");
        }
        match PlaceholderText::parse(&entry.value, &KINDS) {
            Ok(text) => entries.push((entry.key.clone(), text)),
            Err(rule) => errors.add(&value, rule),
        }
    }
    let spec = DescriptorSpec(entries);
    for variable in spec.path_variables() {
        super::key::check_variable(definition, &path, variable, errors);
    }
    Some(spec)
}
