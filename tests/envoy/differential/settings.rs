//! Configurations of both filters. The native filter's is derived from jwt-auth's as Istio does it.

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value, json};
use tests::{bootstrap::Filter, keys::Keys};

use super::{outcome::PAYLOAD, token_builder::ISSUER};

/// Requirement on the token of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Requirement {
    /// No token passes, an invalid one is denied: a configuration without `rules`.
    Optional,
    /// Only a valid token passes.
    Required,
    /// Every request passes.
    Lenient,
}

/// A configuration of both filters.
#[derive(Debug)]
pub(super) struct Setting {
    /// The name.
    pub(super) name: &'static str,
    /// The requirement on the token.
    pub(super) requirement: Requirement,
    /// The `jwtRules`.
    rules: Vec<Value>,
}

/// Returns all configurations.
pub(super) fn all(keys: &Keys) -> Vec<Setting> {
    let public = keys.jwks().to_string();
    let rule = json!({"issuer": ISSUER, "audiences": ["orders.example.com"], "jwks": public});
    let locations = json!({
        "fromHeaders": [
            {"name": "authorization", "prefix": "Bearer "},
            {"name": "x-token"},
            {"name": "x-prefixed", "prefix": "JWT "},
        ],
        "fromParams": ["t", "access_token"],
        "fromCookies": ["session"],
    });
    let outputs = json!({
        "outputPayloadToHeader": PAYLOAD,
        "outputClaimToHeaders": [
            {"header": "x-user", "claim": "sub"},
            {"header": "x-level", "claim": "level"},
            {"header": "x-admin", "claim": "admin"},
            {"header": "x-realm", "claim": "realm.name"},
            {"header": "x-deep", "claim": "realm.deep.er"},
            {"header": "x-none", "claim": "nothing.at.all"},
        ],
    });
    let secret = with(&rule, &json!({"jwks": keys.secret_jwks().to_string()}));
    let partner = json!({
        "issuer": "https://partner.example.com", "jwks": keys.jwks().to_string(),
        "fromHeaders": [{"name": "x-token"}], "forwardOriginalToken": true,
    });
    let bounds = json!({"clockSkew": "40s", "requireExpiration": true, "maxLifetime": "3600s"});
    let audiences =
        json!({"audiences": ["https://orders.example.com/", "http://billing.example.com"]});
    use Requirement::{Lenient, Optional, Required};
    vec![
        setting("default", Optional, std::slice::from_ref(&rule)),
        setting("required", Required, &[with(&rule, &outputs)]),
        setting("lenient", Lenient, &[with(&rule, &outputs)]),
        setting("places", Optional, &[with(&with(&rule, &locations), &outputs)]),
        setting(
            "forwarded",
            Required,
            &[with(
                &with(&with(&rule, &locations), &outputs),
                &json!({"forwardOriginalToken": true}),
            )],
        ),
        setting("secret", Required, &[secret]),
        setting("two issuers", Optional, &[with(&rule, &outputs), partner]),
        setting("bounds", Required, &[with(&rule, &bounds)]),
        setting("audiences as URLs", Required, &[with(&rule, &audiences)]),
        setting("irregular keys", Required, &[with(&rule, &rewritten(keys))]),
        setting("certificates", Required, &[with(&rule, &certificates(keys))]),
    ]
}

/// Returns a key set with irregularities that are common among key servers.
fn rewritten(keys: &Keys) -> Value {
    let of = |algorithm, members: Value| with(keys.jwk(algorithm), &members);
    let text = |algorithm, name: &str| {
        let value = keys.jwk(algorithm).get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let padded = format!("{}==", text(Algorithm::RS256, "n"));
    let longer = format!("AAAA{}", text(Algorithm::ES256, "y"));
    let keys = json!([
        {"kty": "AKP", "kid": "of the future", "alg": "ML-DSA-44", "pub": "AAAA"},
        of(Algorithm::RS256, json!({"n": padded, "use": "jwt-svid", "key_ops": []})),
        of(Algorithm::ES256, json!({"y": longer, "use": "", "crv": ""})),
        of(Algorithm::ES384, json!({"use": "SIG", "key_ops": ["sign"]})),
        of(Algorithm::EdDSA, json!({"use": null, "alg": ""})),
    ]);
    json!({"jwks": json!({"keys": keys}).to_string()})
}

/// Returns a key set in the format of Google and Firebase.
fn certificates(keys: &Keys) -> Value {
    json!({"jwks": keys.certificates().to_string()})
}

fn setting(name: &'static str, requirement: Requirement, rules: &[Value]) -> Setting {
    Setting { name, requirement, rules: rules.to_vec() }
}

fn with(rule: &Value, fields: &Value) -> Value {
    let both = [rule, fields].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(both.map(|(name, value)| (name.clone(), value.clone())).collect())
}

impl Setting {
    /// Returns jwt-auth with this configuration.
    pub(super) fn ours(&self) -> Filter {
        let rules = match self.requirement {
            Requirement::Optional => None,
            Requirement::Required => Some(json!([{}])),
            Requirement::Lenient => Some(json!([{"token": "ALLOW_MISSING_OR_FAILED"}])),
        };
        let mut config = Map::from_iter([("jwtRules".to_owned(), json!(self.rules))]);
        config.extend(rules.map(|rules| ("rules".to_owned(), rules)));
        Filter::new("jwt-auth", Value::Object(config))
    }

    /// Returns the native filter with this configuration.
    pub(super) fn native(&self) -> Filter {
        let name = |index: usize| format!("p{index}");
        let providers = self.rules.iter().enumerate();
        let providers = providers.map(|(index, rule)| (name(index), provider(rule)));
        let providers = Map::from_iter(providers);
        let requirement_of = |index| json!({"provider_name": name(index)});
        let mut requirements: Vec<Value> = (0..self.rules.len()).map(requirement_of).collect();
        match self.requirement {
            Requirement::Optional => requirements.push(json!({"allow_missing": {}})),
            Requirement::Required => {}
            Requirement::Lenient => requirements.push(json!({"allow_missing_or_failed": {}})),
        }
        let requires = match requirements.as_slice() {
            [one] => one.clone(),
            _ => json!({"requires_any": {"requirements": requirements}}),
        };
        Filter::native(json!({"name": "jwt_authn", "typed_config": {
            "@type":
                "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": providers,
            "rules": [{"match": {"prefix": "/"}, "requires": requires}],
            "bypass_cors_preflight": true,
        }}))
    }
}

/// Converts a rule into a provider as Istio does. Other fields keep Envoy's names.
fn provider(rule: &Value) -> Value {
    let members = rule.as_object().into_iter().flatten();
    let members = members.map(|(name, value)| {
        let (name, value) = match name.as_str() {
            "jwks" => ("local_jwks", json!({"inline_string": value})),
            "forwardOriginalToken" => ("forward", value.clone()),
            "fromHeaders" => ("from_headers", renamed(value, &[("prefix", "value_prefix")])),
            "fromParams" => ("from_params", value.clone()),
            "fromCookies" => ("from_cookies", value.clone()),
            "outputPayloadToHeader" => ("forward_payload_header", value.clone()),
            "outputClaimToHeaders" => (
                "claim_to_headers",
                renamed(value, &[("header", "header_name"), ("claim", "claim_name")]),
            ),
            "clockSkew" => ("clock_skew_seconds", seconds(value)),
            "requireExpiration" => ("require_expiration", value.clone()),
            "maxLifetime" => ("max_lifetime", value.clone()),
            other => (other, value.clone()),
        };
        (name.to_owned(), value)
    });
    Value::Object(members.collect())
}

fn seconds(duration: &Value) -> Value {
    let text = duration.as_str().unwrap_or_default().trim_end_matches('s');
    json!(text.parse::<u32>().unwrap_or_default())
}

fn renamed(list: &Value, names: &[(&str, &str)]) -> Value {
    let mut text = list.to_string();
    for (from, to) in names {
        text = text.replace(&format!("\"{from}\":"), &format!("\"{to}\":"));
    }
    serde_json::from_str(&text).unwrap_or_default()
}
