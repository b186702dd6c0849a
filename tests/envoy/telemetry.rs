//! telemetry in a real Envoy.

mod clean;

use anyhow::Result;
use serde_json::Value;
use tests::{
    bootstrap::{Filter, Setup},
    envoy::Envoy,
    upstream::Upstream,
};

/// The filter's name.
const FILTER: &str = "telemetry";

/// Envoy with telemetry between a client and an application.
struct Rig {
    envoy: Envoy,
    app: Upstream,
}

impl Rig {
    /// Starts everything with this `pluginConfig`.
    fn start(config: &Value) -> Result<Self> {
        let app = Upstream::start()?;
        let setup = Setup::new(app.address(), vec![filter(config)]);
        Ok(Self { envoy: Envoy::start(setup)?, app })
    }

    /// The value of a counter or gauge of the filter.
    fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.envoy.stats()?.value(&format!("wasmcustom.weir_telemetry_{name}")))
    }
}

/// The filter with this `pluginConfig`.
fn filter(config: &Value) -> Filter {
    Filter::new(FILTER, config.clone())
}
