//! rate-limit in a real Envoy.

mod admissions;
mod charges;
mod concurrent;
mod configuration;
mod connection_keys;
mod connections;
mod hostile;
mod keys;
mod memory;
mod missing_keys;
mod native;
mod observability;
mod pod_wide;
mod pushes;
mod replies;
mod requests;
mod retries;
mod rules;
mod samples;
mod service;
mod several_limits;
mod waits;

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    envoy::Envoy,
    process::wait_until,
    upstream::Upstream,
};

/// The name of the filter.
const FILTER: &str = "rate-limit";
/// Timeout of reads and waits.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Envoy with rate-limit between a client and an application.
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
        Self::start_options(filters, |options| EnvoyOptions { concurrency, ..options })
    }

    /// Starts Envoy with this filter chain and other options.
    fn start_options(
        filters: Vec<Filter>,
        change: impl FnOnce(EnvoyOptions) -> EnvoyOptions,
    ) -> Result<Self> {
        let app = Upstream::start()?;
        let envoy = Envoy::start(change(options(app.address(), filters)))?;
        Ok(Self { envoy, app })
    }

    /// Returns the value of a counter or gauge of the filter.
    fn stat(&self, name: &str) -> Result<u64> {
        stat(&self.envoy, name)
    }

    /// Waits until a counter or gauge of the filter has this value.
    fn wait_for(&self, name: &str, value: u64) -> Result<()> {
        wait_for(&self.envoy, name, value)
    }
}

/// Returns options with the filter state of the filter in the access log.
fn options(app: std::net::SocketAddr, filters: Vec<Filter>) -> EnvoyOptions {
    let limit = ("limit".to_owned(), "%FILTER_STATE(wasm.weir.limit:PLAIN)%".to_owned());
    EnvoyOptions { access_log: vec![limit], ..EnvoyOptions::new(app, filters) }
}

/// Returns the value of a counter or gauge of the filter.
fn stat(envoy: &Envoy, name: &str) -> Result<u64> {
    Ok(envoy.stats()?.value(&format!("wasmcustom.weir_rate_limit_{name}")))
}

/// Waits until a counter or gauge of the filter has this value.
fn wait_for(envoy: &Envoy, name: &str, value: u64) -> Result<()> {
    let mut last = 0;
    wait_until(&format!("{name} {value}"), TIMEOUT, || {
        last = stat(envoy, name)?;
        Ok(last == value)
    })
    .map_err(|error| error.context(format!("{name} is {last}")))
}

/// Fails if a VM has trapped since Envoy started.
fn assert_no_trap(envoy: &Envoy) {
    let log = envoy.log();
    for word in ["panicked", "Function: proxy_on", "wasm_fail_stream"] {
        assert!(!log.contains(word), "{word}:\n{log}");
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

/// Returns an entry of `http` with one limit for the paths that begin with `/<name>`.
fn entry(name: &str, mut limit: Value) -> Value {
    if let Some(fields) = limit.as_object_mut() {
        fields.insert("name".to_owned(), json!(name));
    }
    json!({"name": name, "match": [{"uri": {"prefix": format!("/{name}")}}], "limits": [limit]})
}
