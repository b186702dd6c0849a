//! access-control in a real Envoy.
#![allow(clippy::indexing_slicing, reason = "assignment creates the member of a JSON object")]

mod audited;
mod claims;
mod configuration;
mod decisions;
mod explained;
mod lists;
mod native;
mod native_values;
mod paths;
mod replies;
mod rules;
mod samples;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::{Client, Request},
    envoy::Envoy,
    upstream::Upstream,
};

/// The name of the filter.
const FILTER: &str = "access-control";

/// Envoy with access-control between a client and an application.
struct Fixture {
    envoy: Envoy,
    app: Upstream,
}

impl Fixture {
    /// Starts Envoy with this `pluginConfig`.
    fn start(config: &Value) -> Result<Self> {
        Self::start_chain(vec![filter(config)])
    }

    /// Starts Envoy with this filter chain, and the filter state of the filter in the access log.
    fn start_chain(filters: Vec<Filter>) -> Result<Self> {
        let app = Upstream::start()?;
        let state = ("access".to_owned(), "%FILTER_STATE(wasm.weir.access:PLAIN)%".to_owned());
        let options = EnvoyOptions::new(app.address(), filters);
        let envoy = Envoy::start(EnvoyOptions { access_log: vec![state], ..options })?;
        Ok(Self { envoy, app })
    }

    /// Waits until counters of the filter have these values.
    fn wait_for(&self, expected: &[(&str, u64)]) -> Result<()> {
        let name = |name: &str| format!("wasmcustom.weir_access_control_{name}");
        let expected: Vec<_> = expected.iter().map(|(stem, value)| (name(stem), *value)).collect();
        self.envoy.wait_for_stats(&expected)
    }

    /// Stops Envoy and fails if a VM has trapped.
    fn assert_no_trap(&mut self) -> Result<()> {
        let log = self.envoy.stop()?;
        for word in ["panicked", "Function: proxy_on", "wasm_fail_stream"] {
            assert!(!log.contains(word), "{word}:\n{log}");
        }
        Ok(())
    }
}

/// Returns the filter with this `pluginConfig`.
fn filter(config: &Value) -> Filter {
    Filter::new(FILTER, config.clone())
}

/// Returns a policy.
fn policy(name: &str, action: &str, rules: Value) -> Value {
    json!({"name": name, "action": action, "rules": rules})
}

/// Returns a rule for these paths.
fn to_paths(paths: &[&str]) -> Value {
    json!([{"to": [{"operation": {"paths": paths}}]}])
}

/// Sends requests one after the other and returns the statuses.
fn statuses(client: &Client, requests: impl IntoIterator<Item = Request>) -> Result<Vec<u16>> {
    requests.into_iter().map(|request| Ok(client.send(request)?.status)).collect()
}
