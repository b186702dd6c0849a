//! Checks of keys.

use filter_core::{ConfigErrors, HttpMatch, PathTemplate};

use super::Definition;
use crate::{config::KeyConfig, key::KeySpec};

/// The maximum number of components.
const MAX_COMPONENTS: usize = 4;
const FIELDS: &str = "claim, httpHeaderName, httpQueryParameterName, httpCookie, useSourceIp, \
                      principal, pathVariable, method, attribute or connection";

/// Checks the components of a key.
pub(super) fn check(definition: &Definition<'_>, errors: &mut ConfigErrors) {
    let path = format!("{}.key", definition.path);
    let key = &definition.config.key;
    if key.len() > MAX_COMPONENTS {
        errors.add(
            &path,
            format_args!("must have at most {MAX_COMPONENTS} entries, got {}", key.len()),
        );
    }
    for (index, component) in key.iter().enumerate() {
        check_component(component, &format!("{path}[{index}]"), errors);
    }
    for variable in KeySpec::new(key).path_variables().filter(|name| !name.is_empty()) {
        check_variable(definition, &path, variable, errors);
    }
}

fn check_component(key: &KeyConfig, path: &str, errors: &mut ConfigErrors) {
    let alternatives = key.hash().is_some();
    let own = [
        key.principal,
        key.path_variable.is_some(),
        key.method,
        key.attribute.is_some(),
        key.connection,
    ];
    let own = own.iter().filter(|is_given| **is_given).count();
    match (alternatives, own) {
        (false, 0) => errors.add(path, format_args!("must name a key: {FIELDS}")),
        (true, 0) | (false, 1) => {}
        (true, _) | (false, _) => errors.add(
            path,
            "must have only one of principal, pathVariable, method, attribute and connection, and \
             none of them with other fields: write several entries for a combination",
        ),
    }
    if key.prefix.is_some() && !key.use_source_ip {
        errors.add(format_args!("{path}.prefix"), "must not be given without useSourceIp");
    }
    if key.http_cookie.as_ref().is_some_and(|cookie| cookie.ttl.is_some()) {
        errors.add(
            format_args!("{path}.httpCookie.ttl"),
            "must not be given: limits issue no cookies",
        );
    }
    for (field, text) in [
        ("httpQueryParameterName", &key.http_query_parameter_name),
        ("pathVariable", &key.path_variable),
        ("attribute", &key.attribute),
    ] {
        if text.as_ref().is_some_and(String::is_empty) {
            errors.add(format_args!("{path}.{field}"), "must not be empty");
        }
    }
}

/// Refuses a path variable that a request of the entry can lack.
pub(super) fn check_variable(
    definition: &Definition<'_>,
    path: &str,
    variable: &str,
    errors: &mut ConfigErrors,
) {
    let has = |alternative: &HttpMatch| {
        let template = alternative.path_template.as_ref();
        template
            .is_some_and(|template: &PathTemplate| template.names().any(|name| name == variable))
    };
    if definition.matches.is_empty() || !definition.matches.iter().all(has) {
        errors.add(
            path,
            format_args!(
                "must be in an entry of http whose match has a pathTemplate with {{{variable}}}"
            ),
        );
    }
}
