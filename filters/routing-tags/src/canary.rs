//! A canary: its ramp, its guard and its choices.

use std::time::{Duration, SystemTime};

use filter_core::{ErrorWindow, Guard, rendezvous, scale};

use crate::{config::CanaryConfig, metrics::canary_name, tag::Tag};

/// A compiled canary.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Canary {
    pub(crate) baseline: Tag,
    pub(crate) canary: Tag,
    ramp: Ramp,
    pub(crate) guard: Option<Guard>,
}

/// The weight of a canary over time. Weights are in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ramp {
    starts_at: SystemTime,
    initial: u16,
    increment: u16,
    interval: Duration,
    max_weight: u16,
}

/// The names of a canary's metrics.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanaryMetrics {
    /// Name of the entry.
    pub entry: String,
    /// Gauge: the current weight in hundredths of a percent.
    pub weight: String,
    /// Gauge: 1 after a rollback.
    pub rolled_back: String,
    /// Counter: responses to requests with the canary's tag.
    pub requests: String,
    /// Counter: responses that were errors.
    pub errors: String,
    /// `true` if the canary has a guard.
    pub has_guard: bool,
}

/// The weight of all traffic, in hundredths of a percent.
const TOTAL_WEIGHT: u16 = 10_000;

/// Maximum length of a guard's default window, which is the interval of the ramp.
const MAX_WINDOW: Duration = Duration::from_secs(3_600);

/// The index of the canary's tag; the baseline's index is 0.
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
                max_weight: config.max_weight.map_or(TOTAL_WEIGHT, |weight| weight.hundredths()),
            },
            guard: config.success_criteria.map(|criteria| criteria.guard(window)),
        }
    }

    /// Returns the weight of the ramp at `now`, in hundredths of a percent, without rollbacks.
    pub(crate) fn weight(&self, now: SystemTime) -> u16 {
        self.ramp.weight(now)
    }

    /// Returns the tag with this index.
    pub(crate) fn tag(&self, index: usize) -> &Tag {
        if index == CANARY { &self.canary } else { &self.baseline }
    }

    /// Chooses the index of a tag by key. As the weight grows, keys only move to the canary.
    pub(crate) fn choose_by_key(&self, weight: u16, salt: &str, key: &[u8]) -> usize {
        let rest = TOTAL_WEIGHT.saturating_sub(weight);
        let variants =
            [(self.baseline.as_str(), rest.into()), (self.canary.as_str(), weight.into())];
        rendezvous(salt, key, variants).unwrap_or_default()
    }

    /// Chooses the index of a tag by random bits.
    pub(crate) fn choose_by_bits(weight: u16, bits: u64) -> usize {
        usize::from(scale(bits, TOTAL_WEIGHT.into()) < weight.into())
    }

    pub(crate) fn metrics(&self, entry: &str) -> CanaryMetrics {
        CanaryMetrics {
            entry: entry.to_owned(),
            weight: canary_name(entry, "weight"),
            rolled_back: canary_name(entry, "rolled_back"),
            requests: canary_name(entry, "requests_total"),
            errors: canary_name(entry, "errors_total"),
            has_guard: self.guard.is_some(),
        }
    }

    /// Counts a response for the guard. Returns the responses and errors in the window if this
    /// response trips the guard.
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
        let weight =
            steps.saturating_mul(self.increment.into()).saturating_add(self.initial.into());
        u16::try_from(weight).unwrap_or(u16::MAX).min(self.max_weight)
    }
}
