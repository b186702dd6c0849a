//! telemetry in a real Envoy.

mod access_log;
mod books;
mod caps;
mod clean;
mod collectors;
mod contexts;
mod endings;
mod exactness;
mod failures;
mod invariants;
mod labels;
mod load;
mod native_tracer;
mod outage;
mod outputs;
mod own_metrics;
mod prometheus;
mod reloads;
mod rules;
mod shipped;
mod spans;
mod steady;
mod trace_context;

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tests::{
    bootstrap::{Filter, Setup},
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
struct Rig {
    envoy: Envoy,
    app: Upstream,
}

impl Rig {
    /// Starts Envoy with this `pluginConfig`.
    fn start(config: &Value) -> Result<Self> {
        let app = Upstream::start()?;
        let setup = Setup::new(app.address(), vec![filter(config)]);
        Ok(Self { envoy: Envoy::start(setup)?, app })
    }

    /// Starts Envoy with this many workers and with tag patterns for [`LABELS`].
    fn start_labelled(concurrency: u32, config: &Value) -> Result<Self> {
        let app = Upstream::start()?;
        let setup = Setup::new(app.address(), vec![filter(config)]);
        let stats_config = Some(prometheus::stats_tags(&LABELS));
        Ok(Self { envoy: Envoy::start(Setup { concurrency, stats_config, ..setup })?, app })
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
