//! jwt-auth beside Envoy's jwt_authn, with the same keys and the same tokens.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::identity_provider::IdentityProvider;

use super::{HeaderList, Variant, wasm};

const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("RS256", Algorithm::RS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
    ("PS256", Algorithm::PS256),
    ("HS256", Algorithm::HS256),
];

/// For each algorithm: native and ours, with and without a cache of tokens; then without a token.
pub(super) fn all(provider: &IdentityProvider) -> Result<Vec<Variant>> {
    let mut variants = Vec::new();
    for (name, algorithm) in ALGORITHMS {
        let jwks = json!({"keys": [provider.keys().jwk(algorithm)]}).to_string();
        let token = provider.token(algorithm, &claims(provider))?;
        let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        for (cache, cached) in [("", false), (" cached", true)] {
            variants.push(Variant {
                name: format!("jwt_authn {name}{cache}"),
                filters: vec![native(provider, &jwks, cached)],
                headers: headers.clone(),
            });
            variants.push(ours(
                &format!("jwt-auth {name}{cache}"),
                provider,
                &jwks,
                cached,
                &headers,
            )?);
        }
    }
    let jwks = provider.keys().jwks().to_string();
    variants.push(Variant {
        name: "jwt_authn no token".into(),
        filters: vec![native(provider, &jwks, false)],
        headers: vec![],
    });
    variants.push(ours("jwt-auth no token", provider, &jwks, true, &HeaderList::new())?);
    Ok(variants)
}

/// Claims that stay valid for the longest run, and look like those of an access token.
fn claims(provider: &IdentityProvider) -> Value {
    let mut claims = provider.claims();
    if let Some(claims) = claims.as_object_mut() {
        claims.insert("exp".into(), json!(4_000_000_000_u64));
        claims.insert("scope".into(), json!("orders.read orders.write"));
        claims.insert("email".into(), json!("alice@example.com"));
    }
    claims
}

fn ours(
    name: &str,
    provider: &IdentityProvider,
    jwks: &str,
    cached: bool,
    headers: &HeaderList,
) -> Result<Variant> {
    let config = json!({
        "jwtRules": [{
            "issuer": provider.issuer(),
            "jwks": jwks,
            "outputClaimToHeaders": [{"header": "x-jwt-sub", "claim": "sub"}],
        }],
        "tokenCache": {"size": if cached { 1024 } else { 0 }},
    });
    Ok(Variant {
        name: name.to_owned(),
        filters: vec![wasm("jwt_auth", &config)?],
        headers: headers.clone(),
    })
}

/// The native filter as Istio sets it up, with its own cache where asked.
fn native(provider: &IdentityProvider, jwks: &str, cached: bool) -> Value {
    let mut rule = json!({
        "issuer": provider.issuer(),
        "local_jwks": {"inline_string": jwks},
        "claim_to_headers": [{"header_name": "x-jwt-sub", "claim_name": "sub"}],
        "payload_in_metadata": "payload",
    });
    if let (true, Some(rule)) = (cached, rule.as_object_mut()) {
        rule.insert("jwt_cache_config".into(), json!({"jwt_cache_size": 1024}));
    }
    json!({"name": "jwt_authn", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"corp": rule},
        "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": [
            {"provider_name": "corp"}, {"allow_missing": {}},
        ]}}}],
    }})
}
