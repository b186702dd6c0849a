//! The compiled document, and the decision about a request.

use std::{rc::Rc, time::SystemTime};

use filter_core::{ErrorWindow, HeaderEdits, HeaderName, Matcher, Mode, Needs, Warning};

use crate::{
    canary::CanaryGauges,
    entry::{Choice, Entry},
    metrics::{Counter, RuleCounters},
    operations::Operations,
};

mod compile;
mod decide;
mod inbound;
mod ready;
mod write;

/// A compiled configuration; immutable and shared by all streams of a worker.
#[derive(Debug)]
pub struct Policy {
    matcher: Matcher,
    entries: Vec<Entry>,
    /// The headers that carry tags; the first is the top-level one.
    owned: Vec<HeaderName>,
    trust: Option<Matcher>,
    baggage_key: Option<String>,
    operations: Operations,
    explain: Option<Matcher>,
    filter_state: bool,
    mode: Mode,
    needs: Needs,
    tells_time: bool,
    counters: Vec<String>,
    rules: Vec<RuleCounters>,
    warnings: Vec<Warning>,
    /// Decisions that are the same for every request: those of entries, and that of none.
    ready: Vec<ready::Ready>,
    untagged: Option<Rc<Decision>>,
}

/// What a decision takes from around it.
pub struct World<'w> {
    /// The time of day; looked at only where [`Policy::tells_time`] says so.
    pub now: SystemTime,
    /// Gives 64 random bits.
    pub bits: &'w mut dyn FnMut() -> u64,
    /// Says whether the canary of an entry, given by its place, was rolled back in this pod.
    pub rolled_back: &'w dyn Fn(usize) -> bool,
}

/// What is to be done with a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Decision {
    /// Headers that nobody has looked at: they go where they are present, each counted as
    /// [`Event::InboundStripped`](crate::Event::InboundStripped).
    pub strip: Vec<HeaderName>,
    /// Changes to the request, one after the other.
    pub request: Vec<HeaderEdits>,
    /// The value of the property `weir.tag`.
    pub filter_state: Option<Vec<u8>>,
    /// What is done when the answer comes; `None` where nothing is.
    pub response: Option<Rc<OnResponse>>,
    /// The entries, by their places, whose canary serves the request.
    pub canaries: Vec<usize>,
    /// What happened; a counter may occur more than once.
    pub counts: Vec<Counter>,
    /// Whether nothing is to be changed after all: then `strip` is only counted.
    pub is_dry: bool,
}

/// Changes to an answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OnResponse {
    /// Changes by configuration, one after the other.
    pub edits: Vec<HeaderEdits>,
    /// Values of `set-cookie` to be added.
    pub cookies: Vec<String>,
    /// The value of `x-weir-explain`.
    pub explanation: Option<String>,
}

impl Policy {
    /// Returns what [`Policy::decide`] looks at.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the headers that only this filter may write, the top-level one first.
    #[must_use]
    pub fn owned(&self) -> &[HeaderName] {
        &self.owned
    }

    /// Says whether [`World::now`] is looked at.
    #[must_use]
    pub const fn tells_time(&self) -> bool {
        self.tells_time
    }

    /// Says whether nothing changes by the time of day between two instants a few seconds apart.
    #[must_use]
    pub fn is_settled(&self, at: SystemTime, later: SystemTime) -> bool {
        self.entries.iter().all(|entry| entry.is_alike(at, later))
    }

    /// Returns the names of all counters, in the order of [`Counter::index`].
    #[must_use]
    pub fn counters(&self) -> &[String] {
        &self.counters
    }

    /// Returns what an operator should know about the configuration, one line each.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the entries that are canaries, by their places, with their names of metrics.
    pub fn canaries(&self) -> impl Iterator<Item = (usize, CanaryGauges)> {
        self.entries.iter().enumerate().filter_map(|(place, entry)| match &entry.choice {
            Choice::Canary(canary) => Some((place, canary.gauges(&entry.name))),
            _ => None,
        })
    }

    /// Returns the share in force of the canary at `place`, in hundredths of a percent; 0 where no
    /// canary is.
    #[must_use]
    pub fn canary_weight(&self, place: usize, now: SystemTime, is_rolled_back: bool) -> u16 {
        let Some(canary) = self.canary(place) else { return 0 };
        let is_over = is_rolled_back && !self.mode.is_dry_run() && canary.guard.is_some();
        if is_over { 0 } else { canary.weight(now) }
    }

    /// Counts an answer of the canary at `place` for its guard.
    ///
    /// Returns how many answers and errors the window holds, when this one rolls the canary back.
    pub fn record(
        &self,
        place: usize,
        window: &mut ErrorWindow,
        now: SystemTime,
        is_error: bool,
    ) -> Option<(u64, u64)> {
        self.canary(place)?.record(window, now, is_error)
    }

    fn canary(&self, place: usize) -> Option<&crate::canary::Canary> {
        match &self.entries.get(place)?.choice {
            Choice::Canary(canary) => Some(canary),
            _ => None,
        }
    }
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("World").field("now", &self.now).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
