//! rate-limit in a real Envoy.

mod requests;
mod rules;
mod service;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    envoy::Envoy,
    upstream::Upstream,
};

/// The name of the filter.
const FILTER: &str = "rate-limit";

/// Envoy with rate-limit between a client and an application.
struct Fixture {
    envoy: Envoy,
    app: Upstream,
}

impl Fixture {
    /// Starts Envoy with one worker and this `pluginConfig`.
    fn start(config: &Value) -> Result<Self> {
        Self::start_with(1, config)
    }

    /// Starts Envoy with this many workers.
    fn start_with(concurrency: u32, config: &Value) -> Result<Self> {
        Self::start_chain(concurrency, vec![filter(config)])
    }

    /// Starts Envoy with this filter chain.
    fn start_chain(concurrency: u32, filters: Vec<Filter>) -> Result<Self> {
        let app = Upstream::start()?;
        let limit = ("limit".to_owned(), "%FILTER_STATE(wasm.weir.limit:PLAIN)%".to_owned());
        let options = EnvoyOptions::new(app.address(), filters);
        let envoy = Envoy::start(EnvoyOptions { concurrency, access_log: vec![limit], ..options })?;
        Ok(Self { envoy, app })
    }

    /// Returns the value of a counter or gauge of the filter.
    fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.envoy.stats()?.value(&format!("wasmcustom.weir_rate_limit_{name}")))
    }
}

/// Returns the filter with this `pluginConfig`.
fn filter(config: &Value) -> Filter {
    Filter::new(FILTER, config.clone())
}

/// Returns a `pluginConfig` with one limit for every request.
fn limit(limit: Value) -> Value {
    json!({"limits": [limit]})
}
