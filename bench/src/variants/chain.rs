//! Rows of several filters in one chain: ours, the suite, and Envoy's native filters.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value, json};
use tests::identity_provider::IdentityProvider;

use super::{Variant, fault, jwt, tags, telemetry, wasm};

/// Row without filters that gets the requests of the chain rows.
pub(super) const FLOOR: &str = "chain: no filter";

/// Number of verified tokens in a cache.
const CACHE: u32 = 1024;

/// Returns chains of filters whose requests all carry the same token and user type.
pub(super) fn all(provider: &IdentityProvider) -> Result<Vec<Variant>> {
    let mut headers = jwt::bearer(provider, Algorithm::RS256, &jwt::claims(provider))?;
    headers.push(("x-user-type".to_owned(), "premium".to_owned()));
    let row = |name: &str, filters: Vec<Value>| Variant {
        name: format!("chain: {name}"),
        filters,
        headers: headers.clone(),
        floor: FLOOR,
        ..Variant::default()
    };
    let documents = documents(provider);
    let separate = |(name, document): &(&str, Value)| wasm(&name.replace('-', "_"), document);
    let jwt_auth = documents.get(..1).unwrap_or_default();
    let mut logged = row("native and stats access log", native(provider, CACHE));
    logged.access_log = Some(telemetry::stats_log());
    Ok(vec![
        Variant { name: FLOOR.into(), ..row("", Vec::new()) },
        row("four empty filters", vec![wasm("empty_filter", &json!({})); documents.len()]),
        row("four modules", documents.iter().map(separate).collect()),
        row("suite", vec![suite(&documents)]),
        row("jwt-auth alone", jwt_auth.iter().map(separate).collect()),
        row("suite with jwt-auth alone", vec![suite(jwt_auth)]),
        row("native", native(provider, CACHE)),
        row("native without cache", native(provider, 0)),
        logged,
    ])
}

/// Returns the filters' documents in the order of `envoy/bootstrap.yaml`.
fn documents(provider: &IdentityProvider) -> [(&'static str, Value); 4] {
    let cache = ("tokenCache", json!({"size": CACHE}));
    [
        ("jwt-auth", jwt::config(provider, Algorithm::RS256, [cache])),
        ("routing-tags", json!({"http": tags::rules(1)})),
        ("telemetry", json!({})),
        ("fault-injection", fault::ours(100)),
    ]
}

/// Returns the module that runs several filters in one virtual machine.
fn suite(documents: &[(&str, Value)]) -> Value {
    let members = documents.iter().map(|(name, document)| ((*name).to_owned(), document.clone()));
    wasm("suite", &Value::Object(Map::from_iter(members)))
}

/// Returns Envoy's filters for the same work, without metrics.
fn native(provider: &IdentityProvider, cached: u32) -> Vec<Value> {
    vec![jwt::native_filter(provider, Algorithm::RS256, cached), tags::native(), fault::native(100)]
}
