mod canaries;
mod failures;
mod host_calls;
mod interleavings;
mod lifecycle;
mod outcome;
mod requests;
mod scenarios;
mod timers;

use filter_host::memory::{Proxy, Worker};

use super::RoutingTags;

type Tagger = Worker<RoutingTags>;

fn start(proxy: &Proxy, document: &str) -> Tagger {
    proxy.worker(document).unwrap_or_else(|error| panic!("{document}: {error}"))
}
