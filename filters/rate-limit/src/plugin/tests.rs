mod charges;
mod concurrent;
mod configurations;
mod dry_run;
mod exchange;
mod failures;
mod global;
mod holds;
mod host_calls;
mod interleavings;
mod keys;
#[cfg(not(target_arch = "wasm32"))]
mod model;
mod outcome;
mod races;
mod replies;
mod scenarios;
mod several;

use std::time::Duration;

use filter_host::memory::{Proxy, Worker};
use serde_json::{Value, json};

use super::RateLimit;

type Limiter = Worker<RateLimit>;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn start(proxy: &Proxy, document: impl ToString) -> Limiter {
    let document = document.to_string();
    proxy.worker(&document).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// Returns a document with a limit of 3 per second, `a`, and these fields.
fn limited(fields: Value) -> Value {
    let mut limit = json!({"name": "a", "requests": 3, "per": "1s"});
    limit.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"limits": [limit]})
}

fn with(mut document: Value, field: &str, value: Value) -> Value {
    document[field] = value;
    document
}

/// Returns the value of a counter or a gauge of the filter.
fn metric(proxy: &Proxy, name: &str) -> u64 {
    proxy.metric(&format!("weir_rate_limit_{name}"))
}

/// Sends a request, and ends its stream. Returns `true` if it was forwarded.
fn admits(worker: &mut Limiter, headers: &[(&str, &str)]) -> bool {
    let stream = worker.request(headers);
    worker.end(stream).is_forwarded()
}

/// Sends requests, and returns how many were forwarded.
fn admitted(worker: &mut Limiter, headers: &[(&str, &str)], requests: usize) -> usize {
    (0..requests).filter(|_| admits(worker, headers)).count()
}

/// Lets the metrics that are buffered reach the proxy.
fn flush(proxy: &Proxy, worker: &mut Limiter) {
    proxy.pass(ms(1_000));
    worker.tick();
}
