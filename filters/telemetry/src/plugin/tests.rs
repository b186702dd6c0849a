mod exports;
mod failures;
mod handoff;
mod host_calls;
mod interleavings;
mod lifecycle;
mod outcome;
mod outputs;
mod scenarios;
mod streams;
mod timers;
mod traces;

use filter_host::memory::{Proxy, Worker};

use super::Telemetry;

type Meter = Worker<Telemetry>;

fn start(proxy: &Proxy, document: &str) -> Meter {
    proxy.worker(document).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// Returns the value of a counter or a gauge without labels.
fn metric(proxy: &Proxy, name: &str) -> u64 {
    proxy.metric(&format!("weir_telemetry_{name}"))
}
