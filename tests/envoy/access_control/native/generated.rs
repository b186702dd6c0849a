//! Random policies and requests, from few values so that they often match.

use super::{Case, Generator, Method, Request, Value, json};

const PATHS: [&str; 9] =
    ["/a", "/a/*", "/b*", "*/c", "/a/b/c", "*", "/a/{*}/c", "/b/{**}", "/a/{*}"];
const HOSTS: [&str; 5] = ["app.example", "*.example", "App.*", "other.example", "app.example:*"];
const METHODS: [&str; 4] = ["GET", "P*", "*T", "PUT"];
const ROLES: [&str; 5] = ["admin", "a*", "*t", "*", "guest,admin"];
const RANGES: [&str; 5] =
    ["10.0.0.0/8", "10.0.0.1", "192.0.2.0/24", "2001:db8::/32", "127.0.0.0/8"];

const TARGETS: [&str; 14] = [
    "/", "/a", "/a/", "/a/b", "/a/b/c", "/a/c", "/b", "/b/c/d", "/bc", "/c", "/a?x=/b", "/A",
    "/b/c?y", "/other",
];
/// Targets that servers read in several ways.
const AMBIGUOUS: [&str; 7] =
    ["/a;x=1", "/%61", "/b/..;/a", "/a/b;/c", "/x/../a", "/a/%62/c", "/a//b"];
const AUTHORITIES: [&str; 3] = ["app.example", "APP.example", "other.example"];
const ODD_AUTHORITIES: [&str; 2] = ["app.example:81", "app.example."];
const SENT_ROLES: [&str; 5] = ["admin", "guest", "staff", "", "guest,admin"];
const ADDRESSES: [&str; 4] = ["10.0.0.1", "10.1.2.3", "192.0.2.7", "2001:db8::1"];

/// Returns a document with up to three policies.
///
/// `ranges` are the fields of address ranges.
pub(super) fn document(generator: &mut Generator, ranges: &[&'static str]) -> Value {
    let policies = (0..=below(generator, 2)).map(|index| {
        let action = if one_in(generator, 2) { "DENY" } else { "ALLOW" };
        let rules: Vec<_> = (0..=below(generator, 2)).map(|_| rule(generator, ranges)).collect();
        json!({"name": format!("policy-{index}"), "action": action, "rules": rules})
    });
    json!({"policies": policies.collect::<Vec<_>>()})
}

fn rule(generator: &mut Generator, ranges: &[&'static str]) -> Value {
    let mut rule = json!({});
    if one_in(generator, 3) {
        let sources = (0..=below(generator, 1)).map(|_| {
            let (field, not_field) = match pick(generator, ranges) {
                "ipBlocks" => ("ipBlocks", "notIpBlocks"),
                _ => ("remoteIpBlocks", "notRemoteIpBlocks"),
            };
            json!({"source": lists(generator, &[(field, not_field, &RANGES)])})
        });
        rule["from"] = sources.collect();
    }
    if !one_in(generator, 4) {
        let fields: [(&str, &str, &[&str]); 3] = [
            ("paths", "notPaths", &PATHS),
            ("methods", "notMethods", &METHODS),
            ("hosts", "notHosts", &HOSTS),
        ];
        let operations =
            (0..=below(generator, 1)).map(|_| json!({"operation": lists(generator, &fields)}));
        rule["to"] = operations.collect();
    }
    if one_in(generator, 2) {
        let mut condition = lists(generator, &[("values", "notValues", &ROLES)]);
        condition["key"] = json!("request.headers[x-role]");
        rule["when"] = json!([condition]);
    }
    rule
}

/// Returns an object with at least one of the lists.
fn lists(generator: &mut Generator, fields: &[(&str, &str, &[&str])]) -> Value {
    let mut object = json!({});
    while object.as_object().is_none_or(serde_json::Map::is_empty) {
        for (field, not_field, values) in fields {
            let name = match below(generator, 4) {
                0 | 1 => field,
                2 => not_field,
                _ => continue,
            };
            let values: Vec<_> =
                (0..=below(generator, 1)).map(|_| pick(generator, values)).collect();
            object[*name] = json!(values);
        }
    }
    object
}

/// Returns a request.
pub(super) fn request(generator: &mut Generator) -> Case {
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let method = methods.get(below(generator, 3)).cloned().unwrap_or_default();
    let (is_odd_path, is_odd_host, is_repeated) =
        (one_in(generator, 6), one_in(generator, 8), one_in(generator, 8));
    let target = pick(generator, if is_odd_path { &AMBIGUOUS } else { &TARGETS });
    let authority = pick(generator, if is_odd_host { &ODD_AUTHORITIES } else { &AUTHORITIES });
    let mut request = Request::new(method, target).authority(authority);
    if is_repeated {
        request = request
            .header("x-role", pick(generator, &SENT_ROLES))
            .header("x-role", pick(generator, &SENT_ROLES));
    } else if one_in(generator, 2) {
        request = request.header("x-role", pick(generator, &SENT_ROLES));
    }
    if !one_in(generator, 3) {
        let entries = (0..=below(generator, 2)).map(|_| pick(generator, &ADDRESSES));
        request = request.header("x-forwarded-for", entries.collect::<Vec<_>>().join(", "));
    }
    Case { request, is_plain: !is_odd_path && !is_odd_host && !is_repeated }
}

fn pick<'a>(generator: &mut Generator, from: &[&'a str]) -> &'a str {
    let index = below(generator, from.len().saturating_sub(1));
    from.get(index).copied().unwrap_or_default()
}

fn one_in(generator: &mut Generator, count: usize) -> bool {
    below(generator, count.saturating_sub(1)) == 0
}

/// Returns a number from 0 to `max`.
fn below(generator: &mut Generator, max: usize) -> usize {
    let bits = usize::try_from(generator.bits() >> 33).unwrap_or(0);
    bits.checked_rem(max.saturating_add(1)).unwrap_or(0)
}
