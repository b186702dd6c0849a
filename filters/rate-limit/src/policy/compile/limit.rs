//! Compilation of a limit.

use filter_core::{BodyText, ConfigErrors, HeaderName, Needs, Percentage};

use super::{
    Definition, key,
    rate::{Overdraft, RateSpec},
    service,
};
use crate::{
    config::{LimitConfig, MissingKeyConfig, ReplyConfig, Scope, WindowConfig},
    key::KeySpec,
    policy::{Limit, LimitKind, ReplyTemplate, Rule, charge::Charge, cost::Cost},
};

const MAX_KEYS: u64 = 10_000;
/// Number of keys per page, which has room for at least twice as many.
const KEYS_PER_PAGE: u64 = 4;

impl Limit {
    pub(super) fn compile(
        definition: &Definition<'_>,
        overdraft: Overdraft,
        errors: &mut ConfigErrors,
    ) -> Self {
        let Definition { config, path, name, .. } = definition;
        let is_keyed = !config.key.is_empty();
        check_fields(config, path, errors);
        key::check(definition, errors);
        let kind = match config.concurrent {
            Some(max) => LimitKind::Concurrent(max.get()),
            None => LimitKind::Rate(RateSpec::compile(config, path, overdraft, errors)),
        };
        let keys = config.max_keys.map_or(MAX_KEYS, |max| max.get());
        let pages = keys.div_ceil(KEYS_PER_PAGE).next_power_of_two();
        Self {
            name: name.clone(),
            pages: if is_keyed { pages } else { 1 },
            kind,
            key: KeySpec::new(&config.key),
            on_missing_key: config.on_missing_key,
            is_global: config.scope == Scope::Global,
            descriptor: service::descriptor(definition, errors),
            reply: ReplyTemplate::compile(config.reply.as_ref(), path, errors),
        }
    }

    pub(super) fn add_needs(&self, needs: &mut Needs) {
        self.key.add_needs(needs);
        self.descriptor.iter().for_each(|descriptor| descriptor.add_needs(needs));
        if let LimitKind::Rate(spec) = &self.kind {
            needs.claims |= spec.reads_claims();
        }
    }

    pub(super) const fn uses_wall_clock(&self) -> bool {
        match &self.kind {
            LimitKind::Rate(spec) => spec.rate.uses_wall_clock(),
            LimitKind::Concurrent(_) => false,
        }
    }
}

impl Rule {
    pub(super) fn compile(
        definition: &Definition<'_>,
        limit: usize,
        errors: &mut ConfigErrors,
    ) -> Self {
        let Definition { config, path, .. } = definition;
        let cost = Cost::compile(config.cost.as_ref(), path, errors);
        if let Some(variable) = cost.path_variable() {
            key::check_variable(definition, &format!("{path}.cost.from"), variable, errors);
        }
        if config.charge.is_some() && config.cost.is_some() {
            errors.add(format_args!("{path}.cost"), "must not be given together with charge");
        }
        if config.charge.is_some() && config.wait.is_some() {
            errors.add(format_args!("{path}.wait"), "must not be given together with charge");
        }
        if let Some(charge) = &config.charge
            && charge.max.is_some()
            && charge.response_header.is_none()
        {
            errors
                .add(format_args!("{path}.charge.max"), "must not be given without responseHeader");
        }
        Self {
            limit,
            cost,
            charge: config.charge.as_ref().map(Charge::new),
            reserve: config.reserve.unwrap_or_default(),
            max_wait: config.wait.map(|wait| wait.get()).unwrap_or_default(),
            enforced: config.enforced.unwrap_or(Percentage::ALL),
        }
    }
}

/// Refuses fields that do not belong together.
fn check_fields(config: &LimitConfig, path: &str, errors: &mut ConfigErrors) {
    let kinds = [
        ("requests", config.requests.is_some()),
        ("tokenBucket", config.token_bucket.is_some()),
        ("concurrent", config.concurrent.is_some()),
    ];
    let given: Vec<_> =
        kinds.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name).collect();
    if given.is_empty() && config.requests_from.is_some() {
        errors.add(
            format_args!("{path}.requests"),
            "must be given with requestsFrom: the rate of requests without the claim",
        );
        return;
    }
    if given.len() != 1 {
        errors.add(
            path,
            format_args!(
                "must have exactly one of requests, tokenBucket, concurrent and ref, got {}",
                given.len()
            ),
        );
        return;
    }
    let is_concurrent = config.concurrent.is_some();
    let is_bucket = config.window == WindowConfig::TokenBucket && !is_concurrent;
    let mut refuse = |field: &str, is_refused: bool, message: &str| {
        if is_refused {
            errors.add(format_args!("{path}.{field}"), message);
        }
    };
    if config.requests.is_some() && config.per.is_none() {
        refuse("per", true, "must be given with requests, such as 60s");
    }
    for (field, is_given) in [
        ("per", config.per.is_some() && config.requests.is_none()),
        ("burst", config.burst.is_some() && config.requests.is_none()),
        ("requestsFrom", config.requests_from.is_some() && config.requests.is_none()),
    ] {
        refuse(field, is_given, "must not be given without requests");
    }
    refuse(
        "burst",
        config.burst.is_some() && config.requests.is_some() && !is_bucket,
        "must not be given with this window: only a TOKEN_BUCKET has a depth",
    );
    refuse(
        "window",
        config.token_bucket.is_some() && config.window != WindowConfig::TokenBucket,
        "must be TOKEN_BUCKET with tokenBucket",
    );
    refuse(
        "utcOffset",
        config.utc_offset.is_some() && config.window != WindowConfig::Fixed,
        "must not be given with this window: only a FIXED window follows the wall clock",
    );
    refuse(
        "wait",
        config.wait.is_some() && !is_bucket && !is_concurrent,
        "must not be given with this window: only a TOKEN_BUCKET can hold requests",
    );
    for (field, is_given) in [
        ("window", config.window != WindowConfig::TokenBucket),
        ("cost", config.cost.is_some()),
        ("charge", config.charge.is_some()),
        ("reserve", config.reserve.is_some()),
        ("wait", config.wait.is_some()),
        ("replicas", config.replicas.is_some()),
    ] {
        refuse(field, is_given && is_concurrent, "must not be given together with concurrent");
    }
    let has_key = !config.key.is_empty();
    refuse("maxKeys", config.max_keys.is_some() && !has_key, "must not be given without key");
    refuse(
        "onMissingKey",
        config.on_missing_key != MissingKeyConfig::Share && !has_key,
        "must not be given without key",
    );
}

impl ReplyTemplate {
    fn compile(config: Option<&ReplyConfig>, path: &str, errors: &mut ConfigErrors) -> Self {
        const TOO_MANY_REQUESTS: u16 = 429;
        let Some(config) = config else {
            return Self { status: TOO_MANY_REQUESTS, headers: Vec::new(), body: None };
        };
        let path = format!("{path}.reply.headers");
        if !config.headers.request.is_empty() {
            errors.add(format_args!("{path}.request"), "must not be given: the request is refused");
        }
        if !config.headers.response.remove.is_empty() {
            errors.add(
                format_args!("{path}.response.remove"),
                "must not be given: the reply has only the headers that are set",
            );
        }
        let edits = config.headers.response.edits();
        let headers: Vec<(HeaderName, Vec<u8>)> = edits.set.into_iter().chain(edits.add).collect();
        let status = config.http_status.and_then(|status| u16::try_from(status.get()).ok());
        Self {
            status: status.unwrap_or(TOO_MANY_REQUESTS),
            headers,
            body: config.body.as_ref().map(|body| BodyText::as_bytes(body).to_vec()),
        }
    }
}
