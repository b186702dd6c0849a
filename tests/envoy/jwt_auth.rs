//! jwt-auth in a real Envoy.

mod algorithms;
mod configuration;
mod counters;
mod forged_identity;
mod hostile;
mod identity;
mod key_fetching;
mod key_servers;
mod memory;
mod outputs;
pub(crate) mod path_confusion;
mod renewal;
mod replies;
mod rules;
mod samples;
mod signatures;
mod traps;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    envoy::Envoy,
    identity_provider::IdentityProvider,
    suite,
    upstream::Upstream,
};

/// The name of the filter.
const FILTER: &str = "jwt-auth";

/// Envoy with jwt-auth between a client and an application, and the issuer of its tokens.
struct Fixture {
    envoy: Envoy,
    app: Upstream,
    issuer: IdentityProvider,
}

impl Fixture {
    /// Starts Envoy with the `pluginConfig` that `config` returns for the issuer.
    fn start(config: impl FnOnce(&IdentityProvider) -> Value) -> Result<Self> {
        Self::start_with(1, config)
    }

    /// Starts Envoy with this many workers.
    fn start_with(
        concurrency: u32,
        config: impl FnOnce(&IdentityProvider) -> Value,
    ) -> Result<Self> {
        let app = Upstream::start()?;
        let issuer = IdentityProvider::start()?;
        let filter = Filter::new(FILTER, config(&issuer));
        let identity = ("identity".to_owned(), "%FILTER_STATE(wasm.weir.jwt:PLAIN)%".to_owned());
        let access_log = vec![identity];
        let options = EnvoyOptions::new(app.address(), vec![filter]);
        let envoy = Envoy::start(EnvoyOptions { concurrency, access_log, ..options })?;
        Ok(Self { envoy, app, issuer })
    }
}

/// Returns a `pluginConfig` that trusts all public keys of the issuer.
fn trusting(issuer: &IdentityProvider) -> Value {
    json!({"jwtRules": [rule(issuer)]})
}

/// Returns a `pluginConfig` that trusts all public keys of the issuer, with additional fields of
/// its rule.
fn trusting_and(issuer: &IdentityProvider, fields: &[(&str, Value)]) -> Value {
    let fields = fields.iter().cloned();
    json!({"jwtRules": [fields.fold(rule(issuer), |rule, (name, value)| with(rule, name, value))]})
}

/// Returns a rule that trusts all public keys of the issuer.
fn rule(issuer: &IdentityProvider) -> Value {
    json!({
        "issuer": issuer.issuer(),
        "audiences": ["orders.example.com"],
        "jwks": issuer.keys().jwks().to_string(),
    })
}

/// Returns the document with `publish` set in suite mode, whose default is to publish nothing.
fn publishing(document: Value) -> Value {
    if suite::is_enabled() { with(document, "publish", json!("CLAIMS")) } else { document }
}

/// Returns the document with the field `name` set to `value`.
fn with(mut document: Value, name: &str, value: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    document
}

/// Stops Envoy and fails if one of its VMs has trapped.
fn assert_no_trap(envoy: &mut Envoy) -> Result<()> {
    let stats = envoy.stats()?;
    for (name, value) in stats.matching("vm_reload") {
        assert_eq!(value, 0, "{name}");
    }
    let log = envoy.stop()?;
    for word in ["panicked", "Function: proxy_on", "wasm_fail_stream"] {
        assert!(!log.contains(word), "{word}:\n{log}");
    }
    Ok(())
}
