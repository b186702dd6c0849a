//! fault-injection in a real Envoy.

mod aborts;
mod configuration;
mod delay_accuracy;
mod delays;
mod fault_headers;
mod held_streams;
mod hostile;
mod limits;
mod memory;
mod native;
mod observability;
mod responses;
mod samples;
mod streams;
mod timeouts_and_retries;
mod under_load;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    envoy::Envoy,
    upstream::Upstream,
};

/// The name of the filter.
const FILTER: &str = "fault-injection";

/// Envoy with fault-injection between a client and an application.
struct Fixture {
    envoy: Envoy,
    app: Upstream,
}

impl Fixture {
    /// Starts Envoy with this `pluginConfig`.
    fn start(config: &Value) -> Result<Self> {
        Self::start_with(1, config)
    }

    /// Starts Envoy with this many workers.
    fn start_with(concurrency: u32, config: &Value) -> Result<Self> {
        Self::start_chain(concurrency, vec![filter(config)])
    }

    /// Starts Envoy with this filter chain.
    fn start_chain(concurrency: u32, filters: Vec<Filter>) -> Result<Self> {
        Self::start_routed(concurrency, filters, Vec::new())
    }

    /// Starts Envoy with these routes before the one to the application.
    fn start_routed(concurrency: u32, filters: Vec<Filter>, routes: Vec<Value>) -> Result<Self> {
        let app = Upstream::start()?;
        let fault = ("fault".to_owned(), "%FILTER_STATE(wasm.weir.fault:PLAIN)%".to_owned());
        let options = EnvoyOptions::new(app.address(), filters);
        let access_log = vec![fault];
        let envoy = Envoy::start(EnvoyOptions { concurrency, access_log, routes, ..options })?;
        Ok(Self { envoy, app })
    }

    /// Returns the value of a counter or gauge of the filter.
    fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.envoy.stats()?.value(&format!("wasmcustom.weir_fault_injection_{name}")))
    }
}

/// Returns the filter with this `pluginConfig`.
fn filter(config: &Value) -> Filter {
    Filter::new(FILTER, config.clone())
}

/// Returns a `pluginConfig` whose only entry, `x`, applies the fault to every request.
fn always(fault: Value) -> Value {
    json!({"http": [{"name": "x", "fault": all(fault)}]})
}

/// Returns the fault with all percentages set to 100.
fn all(mut fault: Value) -> Value {
    for part in fault.as_object_mut().into_iter().flatten() {
        if let Some(part) = part.1.as_object_mut() {
            part.insert("percentage".to_owned(), json!({"value": 100}));
        }
    }
    fault
}

/// Returns the document with the field `name` set to `value`.
fn with(mut document: Value, name: &str, value: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    document
}
