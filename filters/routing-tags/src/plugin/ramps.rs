//! What the workers of a pod know together about canaries.

use std::{cell::Cell, collections::BTreeMap, time::SystemTime};

use filter_core::{GrpcStatus, Tally, sticky_hash};
use filter_host::{
    HostError, clock,
    headers::{self, Map},
    metrics::{Counter, Gauge},
    property, shared_data,
};

use crate::{CanaryGauges, Policy};

/// The canaries of a configuration by the places of their entries.
pub(super) struct Ramps(BTreeMap<usize, Ramp>);

/// One canary's numbers.
struct Ramp {
    name: String,
    /// The key of the guard's count, `None` where nothing guards.
    key: Option<String>,
    weight: Gauge,
    rolled_back: Gauge,
    requests: Counter,
    errors: Counter,
    /// The weight that this worker has shown last.
    shown: Cell<Option<u16>>,
    /// Whether this worker knows of the rollback, which is for good.
    is_over: Cell<bool>,
}

/// How often a count is tried while other workers count, too.
const TRIES: usize = 8;

impl Ramps {
    /// Makes gauges and counters, and seeds the counts of guards.
    pub(super) fn new(policy: &Policy, document: &[u8]) -> Self {
        let mut canaries = policy.canaries().peekable();
        if canaries.peek().is_none() {
            return Self(BTreeMap::new());
        }
        let plugin = property::read(&["plugin_name"]).ok().flatten().unwrap_or_default();
        let plugin = String::from_utf8_lossy(&plugin).into_owned();
        let config = sticky_hash("", document, "");
        let prefix = format!("weir.routing-tags.{plugin}.{config:016x}.canary");
        Self(canaries.map(|(place, gauges)| (place, Ramp::new(&prefix, place, gauges))).collect())
    }

    /// Says whether a canary was rolled back.
    pub(super) fn is_rolled_back(&self, place: usize) -> bool {
        self.0.get(&place).is_some_and(Ramp::is_rolled_back)
    }

    /// Shows the weight in force where it has changed.
    pub(super) fn show_weight(&self, place: usize, weight: u16) {
        let Some(ramp) = self.0.get(&place) else { return };
        if ramp.shown.replace(Some(weight)) != Some(weight) {
            ramp.weight.set(weight.into());
        }
    }

    /// Counts an answer by its headers or trailers; `false` where the trailers have to tell.
    pub(super) fn observe(&self, policy: &Policy, place: usize, map: Map) -> bool {
        let Some(ramp) = self.0.get(&place) else { return true };
        let (status, grpc) = (number(map, ":status"), number(map, "grpc-status"));
        if map == Map::ResponseHeaders && grpc.is_none() && is_grpc() {
            return false;
        }
        let status = status.and_then(|code| u16::try_from(code).ok()).unwrap_or(200);
        let is_error = policy.is_error(status, grpc.and_then(GrpcStatus::from_code));
        ramp.requests.increment();
        if is_error {
            ramp.errors.increment();
        }
        if let Some(key) = &ramp.key {
            ramp.record(policy, place, key, is_error);
        }
        true
    }
}

impl Ramp {
    fn new(prefix: &str, place: usize, names: CanaryGauges) -> Self {
        let key = names.is_guarded.then(|| format!("{prefix}.{place}"));
        let ramp = Self {
            weight: Gauge::define(&names.weight),
            rolled_back: Gauge::define(&names.rolled_back),
            requests: Counter::define(&names.requests),
            errors: Counter::define(&names.errors),
            name: names.entry,
            key,
            shown: Cell::new(None),
            is_over: Cell::new(false),
        };
        ramp.seed();
        ramp
    }

    /// Puts an empty count where none is: comparing and swapping needs one.
    fn seed(&self) {
        let Some(key) = &self.key else { return };
        match shared_data::read(key) {
            Ok(Some(seen)) => self.is_over.set(Tally::from_bytes(&seen.value).is_tripped()),
            _ => {
                let _ = shared_data::write(key, &Tally::default().to_bytes());
            }
        }
        self.rolled_back.set(self.is_over.get().into());
    }

    fn is_rolled_back(&self) -> bool {
        if self.is_over.get() {
            return true;
        }
        // The gauge is the cheaper one to read, but a plugin of another listener may share it.
        let Some(key) = self.key.as_deref() else { return false };
        if self.rolled_back.read() != Ok(1) {
            return false;
        }
        let seen = shared_data::read(key).ok().flatten();
        self.is_over.set(seen.is_some_and(|seen| Tally::from_bytes(&seen.value).is_tripped()));
        self.is_over.get()
    }

    /// Counts an answer for the guard; contended too long, it is not counted.
    fn record(&self, policy: &Policy, place: usize, key: &str, is_error: bool) {
        let now = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
        for _ in 0..TRIES {
            let Ok(Some(seen)) = shared_data::read(key) else { return };
            let mut tally = Tally::from_bytes(&seen.value);
            let tripped = policy.record(place, &mut tally, now, is_error);
            match shared_data::replace(key, &seen, &tally.to_bytes()) {
                Err(HostError::CasMismatch) => continue,
                Err(_) => return,
                Ok(()) => {}
            }
            self.is_over.set(tally.is_tripped());
            if let Some((answers, errors)) = tripped {
                self.rolled_back.set(1);
                log::warn!(
                    "canary of {} rolled back: {errors} of {answers} answers were errors",
                    self.name
                );
            }
            return;
        }
    }
}

/// Says whether a gRPC call was answered: its status comes in the trailers.
fn is_grpc() -> bool {
    let content = headers::value(Map::ResponseHeaders, "content-type");
    content.is_ok_and(|value| value.is_some_and(|value| value.starts_with(b"application/grpc")))
}

/// Reads a header that is a number.
fn number(map: Map, name: &str) -> Option<u64> {
    let text = headers::value(map, name).ok()??;
    str::from_utf8(&text).ok()?.parse().ok()
}
