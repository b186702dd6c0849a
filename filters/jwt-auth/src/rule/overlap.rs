//! Warnings about rules that shadow a later rule.

use filter_core::{HttpMatch, Warning};

use crate::config::{NonEmpty, RuleConfig, RuleName, TokenNeed};

/// The maximum number of warnings.
const MAX_REPORTED: usize = 10;

/// Returns a warning for each rule that requires tokens of other issuers than an earlier rule with
/// the same paths.
///
/// An AuthorizationPolicy admits a request if any rule admits it; here only the first matching rule
/// decides. Rules with different paths, or with further conditions on the request, are assumed to
/// be intended.
pub(crate) fn warnings(rules: &[RuleConfig]) -> Vec<Warning> {
    let pairs = rules.iter().enumerate().flat_map(|(index, rule)| {
        let earlier = rules.iter().take(index).position(|earlier| is_likely_mistake(earlier, rule));
        earlier.map(|earlier| (earlier, index))
    });
    pairs
        .take(MAX_REPORTED)
        .map(|(earlier, later)| {
            let message = format!(
                "requires other tokens than rules[{earlier}], which alone decides requests that \
                 match both; to admit either token, write one rule for both (providers.any, \
                 requestPrincipals)"
            );
            Warning::new(format_args!("rules[{later}]"), message)
        })
        .collect()
}

fn is_likely_mistake(earlier: &RuleConfig, later: &RuleConfig) -> bool {
    let both_require = [earlier, later].iter().all(|rule| rule.token == TokenNeed::Required);
    both_require
        && (wants_other_providers(earlier, later) || wants_other_principals(earlier, later))
        && earlier.matches.iter().any(|one| later.matches.iter().any(|other| overlap(one, other)))
}

fn wants_other_providers(earlier: &RuleConfig, later: &RuleConfig) -> bool {
    let any = |rule: &RuleConfig| -> Option<Vec<RuleName>> { rule.providers.as_ref()?.any.clone() };
    let both = any(earlier).zip(any(later));
    both.is_some_and(|(earlier, later)| !later.iter().all(|name| earlier.contains(name)))
}

fn wants_other_principals(earlier: &RuleConfig, later: &RuleConfig) -> bool {
    let both = earlier.request_principals.as_ref().zip(later.request_principals.as_ref());
    let is_new = |earlier: &[NonEmpty], pattern: &NonEmpty| !earlier.contains(pattern);
    both.is_some_and(|(earlier, later)| later.iter().any(|pattern| is_new(earlier, pattern)))
}

/// Returns `true` if two entries match the same paths and no other condition separates them.
fn overlap(one: &HttpMatch, other: &HttpMatch) -> bool {
    fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
        one.zip(other).is_none_or(|(one, other)| one == other)
    }
    let same_path = one.uri == other.uri
        && one.path_template == other.path_template
        && one.ignore_uri_case == other.ignore_uri_case;
    same_path
        && agree(one.method.as_ref(), other.method.as_ref())
        && agree(one.authority.as_ref(), other.authority.as_ref())
        && has_no_other_conditions(one)
        && has_no_other_conditions(other)
}

/// Returns `true` if an entry has only conditions on path, method and host.
fn has_no_other_conditions(entry: &HttpMatch) -> bool {
    let mut rest = entry.clone();
    (rest.name, rest.uri, rest.method, rest.authority) = (None, None, None, None);
    (rest.path_template, rest.ignore_uri_case) = (None, false);
    rest == HttpMatch::default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use crate::testing::{compile, rule, warnings};

    fn check(one: &Value, other: &Value, expected: bool) {
        let providers =
            ["a", "b"].map(|name| rule(json!({"name": name, "issuer": format!("https://{name}")})));
        let document = json!({"jwtRules": providers, "rules": [one, other]});
        let warnings = warnings(&compile(&document).unwrap());
        assert_eq!(warnings.contains("rules[1]: requires other"), expected, "{one} {other}");
    }

    #[test]
    fn warns_of_rules_with_the_same_paths_and_other_tokens() {
        let of = |name: &str, entry: Value| json!({"match": [entry], "providers": {"any": [name]}});
        let by = |name: &str, entry: Value| json!({"match": [entry], "requestPrincipals": [format!("https://{name}/*")]});
        let api = || json!({"uri": {"prefix": "/api"}});
        let get = || json!({"uri": {"prefix": "/api"}, "method": {"exact": "GET"}});
        let post = || json!({"uri": {"prefix": "/api"}, "method": {"exact": "POST"}});
        let host = || json!({"uri": {"prefix": "/api"}, "authority": {"exact": "x"}});
        let partner = || json!({"uri": {"prefix": "/api"}, "headers": {"x-partner": {}}});
        let admin = || json!({"uri": {"prefix": "/admin"}});
        for (one, other, expected) in [
            (of("a", get()), of("b", api()), true),
            (by("a", get()), by("b", api()), true),
            (of("a", get()), of("b", host()), true),
            (of("a", get()), of("a", api()), false),
            (by("a", get()), by("a", api()), false),
            (of("a", get()), of("b", post()), false),
            (of("a", partner()), of("b", api()), false),
            (of("a", admin()), of("b", api()), false),
            (of("a", admin()), json!({"providers": {"any": ["b"]}}), false),
            (of("a", get()), by("b", api()), false),
        ] {
            check(&one, &other, expected);
        }
        let optional = json!({"match": [get()], "providers": {"any": ["a"]}, "token": "OPTIONAL"});
        check(&optional, &of("b", api()), false);
    }
}
