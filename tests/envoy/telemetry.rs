//! telemetry in a real Envoy.

mod access_log;
mod cardinality;
mod collectors;
mod counted_load;
mod counter_accuracy;
mod export_failures;
mod invariants;
mod labels;
mod load;
mod metric_names;
mod native_tracer;
mod outage;
mod outputs;
mod own_metrics;
mod prometheus;
mod reloads;
mod remote_context;
mod rules;
mod spans;
mod steady_load;
mod stream_ends;
mod trace_context;
mod unlabelled;

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    envoy::Envoy,
    process::wait_until,
    upstream::Upstream,
};

/// The name of the filter.
const FILTER: &str = "telemetry";

/// All labels used in these tests.
const LABELS: [&str; 12] = [
    "reporter",
    "request_method",
    "request_operation",
    "response_code",
    "grpc_response_status",
    "metric",
    "reason",
    "slo",
    "cluster",
    "plan",
    "user",
    "item",
];

/// Envoy with telemetry between a client and an application.
struct Fixture {
    envoy: Envoy,
    app: Upstream,
}

impl Fixture {
    /// Starts Envoy with this `pluginConfig`.
    fn start(config: &Value) -> Result<Self> {
        let app = Upstream::start()?;
        let options = EnvoyOptions::new(app.address(), vec![filter(config)]);
        Ok(Self { envoy: Envoy::start(options)?, app })
    }

    /// Starts Envoy with this many workers and with tag patterns for [`LABELS`].
    fn start_labelled(concurrency: u32, config: &Value) -> Result<Self> {
        let app = Upstream::start()?;
        let options = EnvoyOptions::new(app.address(), vec![filter(config)]);
        let stats_config = Some(prometheus::stats_tags(&LABELS));
        Ok(Self {
            envoy: Envoy::start(EnvoyOptions { concurrency, stats_config, ..options })?,
            app,
        })
    }

    /// Waits until a counter or gauge of the filter is at `value`. Workers flush them five times a
    /// second.
    fn wait_for(&self, name: &str, value: u64) -> Result<()> {
        wait_until(&format!("{name} at {value}"), Duration::from_secs(10), || {
            Ok(self.stat(name)? == value)
        })
    }

    /// Returns the value of a counter or gauge of the filter.
    fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.envoy.stats()?.value(&format!("wasmcustom.weir_telemetry_{name}")))
    }
}

/// Returns the filter with this `pluginConfig`.
fn filter(config: &Value) -> Filter {
    Filter::new(FILTER, config.clone())
}
