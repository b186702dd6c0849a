mod failures;
mod outcome;
mod scenarios;

use filter_host::memory::{Proxy, Worker};

use super::Telemetry;

type Meter = Worker<Telemetry>;

fn start(proxy: &Proxy, document: &str) -> Meter {
    proxy.worker(document).unwrap_or_else(|error| panic!("{document}: {error}"))
}
