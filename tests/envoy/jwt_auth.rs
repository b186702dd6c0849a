//! jwt-auth in a real Envoy.

mod algorithms;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{Filter, Setup},
    envoy::Envoy,
    identity_provider::IdentityProvider,
    upstream::Upstream,
};

/// The filter's name.
const FILTER: &str = "jwt-auth";

/// Envoy with jwt-auth between a client and an application, and the issuer of its tokens.
struct Rig {
    envoy: Envoy,
    app: Upstream,
    issuer: IdentityProvider,
}

impl Rig {
    /// Starts everything with the `pluginConfig` that `config` makes for the issuer.
    fn start(config: impl FnOnce(&IdentityProvider) -> Value) -> Result<Self> {
        Self::start_with(1, config)
    }

    /// Starts everything with this many workers.
    fn start_with(
        concurrency: u32,
        config: impl FnOnce(&IdentityProvider) -> Value,
    ) -> Result<Self> {
        let app = Upstream::start()?;
        let issuer = IdentityProvider::start()?;
        let filter = Filter::new(FILTER, config(&issuer));
        let envoy = Envoy::start(Setup { concurrency, ..Setup::new(app.address(), vec![filter]) })?;
        Ok(Self { envoy, app, issuer })
    }
}

/// A `pluginConfig` that trusts all public keys of the issuer.
fn trusting(issuer: &IdentityProvider) -> Value {
    json!({"jwtRules": [rule(issuer)]})
}

/// A rule that trusts all public keys of the issuer.
fn rule(issuer: &IdentityProvider) -> Value {
    json!({
        "issuer": issuer.issuer(),
        "audiences": ["orders.example.com"],
        "jwks": issuer.keys().jwks().to_string(),
    })
}
