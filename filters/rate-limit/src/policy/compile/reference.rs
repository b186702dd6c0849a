//! Checks of limits with `ref`.

use filter_core::ConfigErrors;

use super::{Definition, key};
use crate::{
    config::{LimitConfig, MissingKeyConfig, Scope, WindowConfig},
    key::KeySpec,
};

/// Refuses the fields that a limit with `ref` takes from the other limit.
pub(super) fn check_fields(config: &LimitConfig, path: &str, errors: &mut ConfigErrors) {
    let fields = [
        ("name", config.name.is_some()),
        ("requests", config.requests.is_some()),
        ("per", config.per.is_some()),
        ("tokenBucket", config.token_bucket.is_some()),
        ("concurrent", config.concurrent.is_some()),
        ("burst", config.burst.is_some()),
        ("window", config.window != WindowConfig::TokenBucket),
        ("utcOffset", config.utc_offset.is_some()),
        ("key", !config.key.is_empty()),
        ("onMissingKey", config.on_missing_key != MissingKeyConfig::Share),
        ("maxKeys", config.max_keys.is_some()),
        ("requestsFrom", config.requests_from.is_some()),
        ("scope", config.scope == Scope::Global),
        ("descriptor", !config.descriptor.is_empty()),
        ("replicas", config.replicas.is_some()),
        ("reply", config.reply.is_some()),
    ];
    for (field, _) in fields.iter().filter(|(_, is_given)| *is_given) {
        errors.add(
            format_args!("{path}.{field}"),
            "must not be given together with ref: it is that of the other limit",
        );
    }
}

/// Refuses fields that do not fit the other limit, and a key that a request can lack.
pub(super) fn check_target(
    definition: &Definition<'_>,
    other: &Definition<'_>,
    errors: &mut ConfigErrors,
) {
    let Definition { config, path, .. } = definition;
    let is_concurrent = other.config.concurrent.is_some();
    let is_global = other.config.scope == Scope::Global;
    let is_bucket = other.config.window == WindowConfig::TokenBucket;
    for (field, is_given) in [
        ("cost", config.cost.is_some()),
        ("charge", config.charge.is_some()),
        ("reserve", config.reserve.is_some()),
        ("wait", config.wait.is_some()),
    ] {
        if is_given && is_concurrent {
            errors.add(
                format_args!("{path}.{field}"),
                "must not be given: the limit in ref has concurrent",
            );
        } else if is_given && is_global && field != "cost" {
            errors.add(
                format_args!("{path}.{field}"),
                "must not be given: the limit in ref has scope GLOBAL",
            );
        } else if is_given && field == "wait" && !is_bucket {
            errors.add(
                format_args!("{path}.{field}"),
                "must not be given: the limit in ref is not a TOKEN_BUCKET",
            );
        }
    }
    for variable in KeySpec::new(&other.config.key).path_variables() {
        key::check_variable(definition, &format!("{path}.ref"), variable, errors);
    }
}
