//! A ramp from one tag to another, and the guard that ends it.

use std::time::{Duration, SystemTime};

use filter_core::{ErrorWindow, Guard, rendezvous, scale};

use crate::{config::CanaryConfig, metrics::canary_name, tag::Tag};

/// A canary, ready to choose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Canary {
    pub(crate) baseline: Tag,
    pub(crate) canary: Tag,
    ramp: Ramp,
    pub(crate) guard: Option<Guard>,
}

/// How the canary's share grows, in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ramp {
    starts_at: SystemTime,
    initial: u16,
    increment: u16,
    interval: Duration,
    most: u16,
}

/// The names by which a canary is seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanaryGauges {
    /// The name of the entry.
    pub entry: String,
    /// Gauge: the share in force, in hundredths of a percent.
    pub weight: String,
    /// Gauge: 1 after a rollback.
    pub rolled_back: String,
    /// Counter: answers to requests that were tagged canary.
    pub requests: String,
    /// Counter: those of them that were errors.
    pub errors: String,
    /// Whether a guard watches it.
    pub is_guarded: bool,
}

/// All of the traffic, in hundredths of a percent.
const WHOLE: u16 = 10_000;

/// A guard's window may be as long as a step, but not longer than this.
const MAX_WINDOW: Duration = Duration::from_secs(3_600);

/// The place of the canary's tag; that of the baseline is 0.
pub(crate) const CANARY: usize = 1;

impl Canary {
    pub(crate) fn new(config: &CanaryConfig) -> Self {
        let interval = config.interval.get();
        let window = interval.min(MAX_WINDOW);
        Self {
            baseline: config.baseline_tag.clone(),
            canary: config.canary_tag.clone(),
            ramp: Ramp {
                starts_at: config.starts_at.get(),
                initial: config.initial_weight.hundredths(),
                increment: config.increment.hundredths(),
                interval,
                most: config.max_weight.map_or(WHOLE, |most| most.hundredths()),
            },
            guard: config.success_criteria.map(|criteria| criteria.guard(window)),
        }
    }

    /// Returns the canary's share in hundredths of a percent, by the clock alone.
    pub(crate) fn weight(&self, now: SystemTime) -> u16 {
        self.ramp.weight(now)
    }

    /// Returns the tag at a place.
    pub(crate) fn tag(&self, place: usize) -> &Tag {
        if place == CANARY { &self.canary } else { &self.baseline }
    }

    /// Chooses for a key: as the share grows, users only enter.
    pub(crate) fn sticky(&self, weight: u16, salt: &str, key: &[u8]) -> usize {
        let rest = WHOLE.saturating_sub(weight);
        let variants =
            [(self.baseline.as_str(), rest.into()), (self.canary.as_str(), weight.into())];
        rendezvous(salt, key, variants).unwrap_or_default()
    }

    /// Chooses by 64 random bits.
    pub(crate) fn random(weight: u16, bits: u64) -> usize {
        usize::from(scale(bits, WHOLE.into()) < weight.into())
    }

    pub(crate) fn gauges(&self, entry: &str) -> CanaryGauges {
        CanaryGauges {
            entry: entry.to_owned(),
            weight: canary_name(entry, "weight"),
            rolled_back: canary_name(entry, "rolled_back"),
            requests: canary_name(entry, "requests_total"),
            errors: canary_name(entry, "errors_total"),
            is_guarded: self.guard.is_some(),
        }
    }

    /// Counts an answer; tells both numbers when it is the one that ends the ramp.
    pub(crate) fn record(
        &self,
        window: &mut ErrorWindow,
        now: SystemTime,
        is_error: bool,
    ) -> Option<(u64, u64)> {
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let counted = self.guard.as_ref()?.record(window, since_epoch, is_error)?;
        Some((counted.total, counted.errors))
    }
}

impl Ramp {
    fn weight(&self, now: SystemTime) -> u16 {
        let Ok(elapsed) = now.duration_since(self.starts_at) else { return 0 };
        let steps = elapsed.as_millis().checked_div(self.interval.as_millis()).unwrap_or_default();
        let grown = steps.saturating_mul(self.increment.into()).saturating_add(self.initial.into());
        u16::try_from(grown).unwrap_or(u16::MAX).min(self.most)
    }
}
