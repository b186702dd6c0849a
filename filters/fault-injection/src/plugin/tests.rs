mod exchange;
mod failures;
mod outcome;
mod scenarios;

use filter_host::memory::{Proxy, Worker};

use super::FaultInjection;

type Injector = Worker<FaultInjection>;

fn start(proxy: &Proxy, document: &str) -> Injector {
    proxy.worker(document).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// Returns the number of slots that are taken, in all configurations.
fn slots(proxy: &Proxy) -> u64 {
    let keys = proxy.shared_keys().into_iter().filter(|key| key.ends_with(".active"));
    keys.map(|key| super::shared::number(&proxy.shared(&key).unwrap_or_default())).sum()
}
