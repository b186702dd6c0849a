//! What the workers of a pod know together about canaries.

use std::{cell::Cell, collections::BTreeMap, time::SystemTime};

use filter_core::{ErrorWindow, sticky_hash};
use filter_host::{
    HostError, clock,
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
        self.0.get(&place).is_some_and(|ramp| ramp.is_over.get())
    }

    /// Learns of rollbacks by other workers, and shows the weights in force.
    pub(super) fn refresh(&self, policy: &Policy, now: SystemTime) {
        for (place, ramp) in &self.0 {
            ramp.ask_others();
            ramp.show(policy.canary_weight(*place, now, ramp.is_over.get()));
        }
    }

    /// Counts an answer of a canary.
    pub(super) fn observe(&self, policy: &Policy, place: usize, is_error: bool) {
        let Some(ramp) = self.0.get(&place) else { return };
        ramp.requests.increment();
        if is_error {
            ramp.errors.increment();
        }
        if let Some(key) = &ramp.key {
            ramp.record(policy, place, key, is_error);
        }
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
            Ok(Some(seen)) => self.is_over.set(ErrorWindow::from_bytes(&seen.value).is_tripped()),
            _ => {
                let _ = shared_data::write(key, &ErrorWindow::default().to_bytes());
            }
        }
        self.rolled_back.set(self.is_over.get().into());
    }

    fn show(&self, weight: u16) {
        if self.shown.replace(Some(weight)) != Some(weight) {
            self.weight.set(weight.into());
        }
    }

    fn ask_others(&self) {
        let Some(key) = self.key.as_deref().filter(|_| !self.is_over.get()) else { return };
        if let Ok(Some(seen)) = shared_data::read(key) {
            self.is_over.set(ErrorWindow::from_bytes(&seen.value).is_tripped());
        }
    }

    /// Counts an answer for the guard; contended too long, it is not counted.
    fn record(&self, policy: &Policy, place: usize, key: &str, is_error: bool) {
        let now = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
        for _ in 0..TRIES {
            let Ok(Some(seen)) = shared_data::read(key) else { return };
            let mut window = ErrorWindow::from_bytes(&seen.value);
            let tripped = policy.record(place, &mut window, now, is_error);
            match shared_data::replace(key, &seen, &window.to_bytes()) {
                Err(HostError::CasMismatch) => continue,
                Err(_) => return,
                Ok(()) => {}
            }
            self.is_over.set(window.is_tripped());
            if let Some((answers, errors)) = tripped {
                self.rolled_back.set(1);
                self.show(policy.canary_weight(place, now, true));
                log::warn!(
                    "canary of {} rolled back: {errors} of {answers} answers were errors",
                    self.name
                );
            }
            return;
        }
    }
}
