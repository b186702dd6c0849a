//! Rows of jwt-auth and Envoy's jwt_authn with the same keys and tokens.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value, json};
use tests::identity_provider::IdentityProvider;

use super::{HeaderList, Variant, wasm};

const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("RS256", Algorithm::RS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
    ("PS256", Algorithm::PS256),
    ("HS256", Algorithm::HS256),
];

/// Number of rules in a long list.
const MANY: usize = 1_000;
/// Length of the claim that makes a token of nearly 16 KiB.
const LONG_CLAIM: usize = 11_000;

/// Returns, for each algorithm, the native filter and ours without and with a cache; then variations
/// of RS256.
pub(super) fn all(provider: &IdentityProvider) -> Result<Vec<Variant>> {
    let mut variants = Vec::new();
    for (name, algorithm) in ALGORITHMS {
        let headers = bearer(provider, algorithm, &claims(provider))?;
        for (cache, size) in [("", 0), (" cached", 1024)] {
            variants.push(native(&format!("{name}{cache}"), provider, algorithm, size, &headers));
            let config = config(provider, algorithm, [("tokenCache", json!({"size": size}))]);
            variants.push(ours(&format!("{name}{cache}"), &config, &headers));
        }
    }
    variants.extend(variations(provider)?);
    Ok(variants)
}

/// Returns variations of the RS256 row.
fn variations(provider: &IdentityProvider) -> Result<Vec<Variant>> {
    let rs256 = Algorithm::RS256;
    let none = HeaderList::new();
    let token = bearer(provider, rs256, &claims(provider))?;
    let mut long = claims(provider);
    insert(&mut long, "groups", json!("x".repeat(LONG_CLAIM)));
    let long = bearer(provider, rs256, &long)?;
    let plain = config(provider, rs256, []);
    let silent = config(provider, rs256, [("publish", json!("NONE"))]);
    let uncached = config(provider, rs256, [("tokenCache", json!({"size": 0}))]);
    let open = config(provider, rs256, [("rules", json!([{"token": "NONE"}]))]);
    let many = config(provider, rs256, [("rules", many_rules())]);
    Ok(vec![
        ours("RS256 cached, publish NONE", &silent, &token),
        ours("RS256 cached, 1,000 rules", &many, &token),
        native("RS256, 16 KiB token", provider, rs256, 0, &long),
        ours("RS256, 16 KiB token", &uncached, &long),
        native("no token", provider, rs256, 0, &none),
        ours("no token", &plain, &none),
        ours("no token, rule NONE", &open, &none),
    ])
}

/// Returns rules for paths that are never requested, then one for all other paths.
fn many_rules() -> Value {
    let path = |index| json!({"match": [{"uri": {"exact": format!("/items/{index}")}}]});
    (1..MANY).map(path).chain([json!({})]).collect()
}

/// Returns the header with a token.
pub(super) fn bearer(
    provider: &IdentityProvider,
    algorithm: Algorithm,
    claims: &Value,
) -> Result<HeaderList> {
    let token = provider.token(algorithm, claims)?;
    Ok(vec![("authorization".to_owned(), format!("Bearer {token}"))])
}

/// Returns the claims of a typical access token, valid for longer than any run.
pub(super) fn claims(provider: &IdentityProvider) -> Value {
    let mut claims = provider.claims();
    insert(&mut claims, "exp", json!(4_000_000_000_u64));
    insert(&mut claims, "scope", json!("orders.read orders.write"));
    insert(&mut claims, "email", json!("alice@example.com"));
    claims
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Returns the key set with the one key for `algorithm`.
fn key_set(provider: &IdentityProvider, algorithm: Algorithm) -> String {
    json!({"keys": [provider.keys().jwk(algorithm)]}).to_string()
}

/// Returns a configuration of jwt-auth with further fields.
pub(super) fn config<const N: usize>(
    provider: &IdentityProvider,
    algorithm: Algorithm,
    fields: [(&str, Value); N],
) -> Value {
    let rule = json!({
        "issuer": provider.issuer(),
        "jwks": key_set(provider, algorithm),
        "outputClaimToHeaders": [{"header": "x-jwt-sub", "claim": "sub"}],
    });
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(Map::from_iter(fields.chain([("jwtRules".to_owned(), json!([rule]))])))
}

fn ours(name: &str, config: &Value, headers: &HeaderList) -> Variant {
    Variant {
        name: format!("jwt-auth {name}"),
        filters: vec![wasm("jwt_auth", config)],
        headers: headers.clone(),
        ..Variant::default()
    }
}

fn native(
    name: &str,
    provider: &IdentityProvider,
    algorithm: Algorithm,
    cached: u32,
    headers: &HeaderList,
) -> Variant {
    Variant {
        name: format!("jwt_authn {name}"),
        filters: vec![native_filter(provider, algorithm, cached)],
        headers: headers.clone(),
        ..Variant::default()
    }
}

/// Returns the native filter as Istio configures it; with its own cache, which Istio cannot enable,
/// if `cached` is above 0.
pub(super) fn native_filter(
    provider: &IdentityProvider,
    algorithm: Algorithm,
    cached: u32,
) -> Value {
    let mut rule = json!({
        "issuer": provider.issuer(),
        "local_jwks": {"inline_string": key_set(provider, algorithm)},
        "claim_to_headers": [{"header_name": "x-jwt-sub", "claim_name": "sub"}],
        "payload_in_metadata": "payload",
    });
    if cached > 0 {
        insert(&mut rule, "jwt_cache_config", json!({"jwt_cache_size": cached}));
    }
    json!({"name": "jwt_authn", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"corp": rule},
        "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": [
            {"provider_name": "corp"}, {"allow_missing": {}},
        ]}}}],
    }})
}
