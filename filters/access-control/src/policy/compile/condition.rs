//! Compilation of a condition.

use filter_core::{ClaimPath, ConfigErrors, HeaderName};

use super::{
    list::{self, Pair, Tests},
    rule::Scope,
};
use crate::{
    config::ConditionConfig,
    policy::{
        rule::{Test, TextTest},
        subject::{AddressSubject, Part, Subject},
    },
};

/// The attributes of Istio that a condition can name.
const KEYS: &str = "request.headers[<name>], source.ip, remote.ip, source.namespace, \
                    source.trustDomain, source.principal, request.auth.principal, \
                    request.auth.audiences, request.auth.presenter, \
                    request.auth.claims[<name>], destination.ip, \
                    destination.port, connection.sni or experimental.envoy.filters.<filter>[<name>]";

/// Compiles a value; the last argument is `true` if it must not match.
type Compile = fn(&str, Scope<'_>, bool) -> Result<Vec<TextTest>, String>;

/// The beginning of a key for dynamic metadata.
const METADATA: &str = "experimental.envoy.filters.";

/// The attribute of a condition.
enum Key {
    Text(Subject, Compile),
    Address(AddressSubject),
}

pub(super) fn tests(
    config: &ConditionConfig,
    path: &str,
    scope: Scope<'_>,
    errors: &mut ConfigErrors,
) -> Vec<Test> {
    let key = match key(&config.key) {
        Ok(key) => key,
        Err(message) => {
            errors.add(format_args!("{path}.key"), message);
            return Vec::new();
        }
    };
    let pair = Pair::new("values", &config.values, "notValues", &config.not_values);
    let in_lists = Pair::new("inLists", &config.in_lists, "", &[]);
    let mut tests = Tests::of_key(path, &config.key, errors);
    match (key, &config.r#match) {
        (Key::Address(subject), None) => {
            tests.addresses(subject, pair);
            tests.address_lists(subject, in_lists, scope.lists);
        }
        (Key::Address(_), Some(_)) => {
            errors.add(
                format_args!("{path}.match"),
                "must not be given for an address: write ranges in values",
            );
            return Vec::new();
        }
        (Key::Text(subject, compile), test) => {
            // `values` search a part of the identity in the whole of it.
            let searched = match subject {
                Subject::Identity(_) => Subject::Principal,
                _ => subject.clone(),
            };
            tests.several_texts(searched, pair, |value, is_negated| {
                compile(value, scope, is_negated)
            });
            tests.text_lists(subject.clone(), "inLists", &config.in_lists, scope.lists);
            if let Some(test) = test {
                tests.matched(subject, test);
            }
        }
    }
    tests.finish()
}

fn key(key: &str) -> Result<Key, String> {
    let pattern: Compile = |value, _, _| Ok(vec![list::pattern(value)]);
    let claim = |names: &str| {
        let path: ClaimPath = names.parse().map_err(|error| format!("{error}, got \"{names}\""))?;
        Ok(Key::Text(Subject::Claim(path), pattern))
    };
    match key {
        "source.ip" => Ok(Key::Address(AddressSubject::Peer)),
        "remote.ip" => Ok(Key::Address(AddressSubject::Remote)),
        "destination.ip" => Ok(Key::Address(AddressSubject::Destination)),
        "source.namespace" => Ok(Key::Text(Subject::Identity(Part::Namespace), |value, _, _| {
            one(list::namespace(value))
        })),
        "source.trustDomain" => {
            Ok(Key::Text(Subject::Identity(Part::TrustDomain), |value, scope, is_negated| {
                scope.trust_domain(value, is_negated)
            }))
        }
        "source.principal" => {
            Ok(Key::Text(Subject::Identity(Part::Whole), |value, scope, is_negated| {
                Ok(scope.identity(value, is_negated))
            }))
        }
        "request.auth.principal" => Ok(Key::Text(Subject::RequestPrincipal, |value, _, _| {
            Ok(vec![list::request_principal(value)])
        })),
        "request.auth.audiences" => claim("aud"),
        "request.auth.presenter" => claim("azp"),
        "destination.port" => Ok(Key::Text(Subject::Port, |value, _, _| one(list::port(value)))),
        "connection.sni" => Ok(Key::Text(Subject::Sni, pattern)),
        _ => {
            if let Some(name) =
                key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']'))
            {
                return header(name).map(|subject| {
                    Key::Text(subject, |value, _, _| Ok(vec![list::header(value)]))
                });
            }
            if let Some(names) = key.strip_prefix("request.auth.claims") {
                return claim(names);
            }
            if key.starts_with(METADATA) {
                let subject = metadata(key)?;
                return Ok(Key::Text(subject, |value, _, _| one(list::metadata(value))));
            }
            Err(format!("must be one of {KEYS}, got \"{key}\""))
        }
    }
}

fn one(test: list::Compiled) -> Result<Vec<TextTest>, String> {
    test.map(|test| vec![test])
}

/// Returns the subject for dynamic metadata; the filter's name begins with `envoy.filters.`.
fn metadata(key: &str) -> Result<Subject, String> {
    let parts = key.strip_prefix("experimental.").and_then(|key| key.strip_suffix(']'));
    match parts.and_then(|key| key.split_once('[')) {
        Some((filter, name))
            if filter.len() > "envoy.filters.".len()
                && !name.is_empty()
                && !name.contains(['[', ']']) =>
        {
            Ok(Subject::Metadata(filter.to_owned(), name.to_owned()))
        }
        _ => Err(format!("must be {METADATA}<filter>[<name>], got \"{key}\"")),
    }
}

/// Returns the subject for a header; the proxy has `host` as `:authority`.
fn header(name: &str) -> Result<Subject, String> {
    let name = name.to_ascii_lowercase();
    if matches!(name.as_str(), ":authority" | "host") {
        return Ok(Subject::Header(":authority".to_owned()));
    }
    if matches!(name.as_str(), ":method" | ":path" | ":scheme") {
        return Ok(Subject::Header(name));
    }
    let name: HeaderName = name.parse().map_err(|error| format!("{error}, got \"{name}\""))?;
    Ok(Subject::Header(name.as_str().to_owned()))
}
