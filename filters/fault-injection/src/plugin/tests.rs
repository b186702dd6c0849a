mod bodies;
mod contention;
mod exchange;
mod failures;
mod holds;
mod host_calls;
mod interleavings;
mod lifecycle;
mod limits;
mod outcome;
mod races;
mod requests;
mod scenarios;
mod schedules;

use std::{cell::Cell, time::Duration};

use filter_host::memory::{Proxy, Worker};
use serde_json::{Value, json};

use super::FaultInjection;
use crate::Slots;

type Injector = Worker<FaultInjection>;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn start(proxy: &Proxy, document: impl ToString) -> Injector {
    let document = document.to_string();
    proxy.worker(&document).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// Returns a document with one entry, `x`, that gives all requests all parts of `fault`.
fn always(mut fault: Value) -> Value {
    for part in fault.as_object_mut().unwrap().values_mut() {
        part["percentage"] = json!({"value": 100});
    }
    json!({"schedule": {"expiresAt": "2035-01-01T00:00:00Z"}, "http": [{"name": "x", "fault": fault}]})
}

fn with(mut document: Value, field: &str, value: Value) -> Value {
    document[field] = value;
    document
}

/// Returns the value of a counter or a gauge of the filter.
fn metric(proxy: &Proxy, name: &str) -> u64 {
    proxy.metric(&format!("weir_fault_injection_{name}"))
}

/// Returns the number of slots that are taken, in all configurations.
fn slots(proxy: &Proxy) -> u64 {
    let keys = proxy.shared_keys().into_iter().filter(|key| key.ends_with(".active"));
    keys.map(|key| Slots::from_bytes(&proxy.shared(&key).unwrap()).taken()).sum()
}

/// Adds one to `counter` if `is_counted`.
fn count(counter: &Cell<u64>, is_counted: bool) {
    counter.set(counter.get().saturating_add(is_counted.into()));
}
