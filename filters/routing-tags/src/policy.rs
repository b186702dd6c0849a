//! The compiled configuration and its decisions.

use std::{fmt, rc::Rc, time::SystemTime};

use filter_core::{ErrorWindow, HeaderEdits, HeaderName, Matcher, Mode, Needs, Warning};

use crate::{
    canary::{Canary, CanaryMetrics},
    entry::Entry,
    metrics::{Counter, RuleCounters},
    operations::Operations,
};

mod compile;
mod decide;
mod inbound_tags;
mod output;
mod precomputed;

/// A compiled configuration.
#[derive(Debug)]
pub struct Policy {
    matcher: Matcher,
    entries: Vec<Entry>,
    /// The top-level header first.
    tag_headers: Vec<HeaderName>,
    trust: Option<Matcher>,
    baggage_key: Option<String>,
    operations: Operations,
    explain: Option<Matcher>,
    filter_state: bool,
    mode: Mode,
    needs: Needs,
    uses_time: bool,
    counters: Vec<String>,
    /// Indexed by entry.
    rules: Vec<RuleCounters>,
    warnings: Vec<Warning>,
    /// Indexed by entry; empty if decisions cannot be precomputed.
    precomputed: Vec<precomputed::Precomputed>,
    /// Precomputed decision for requests that match no entry.
    untagged: Option<Rc<Decision>>,
}

/// The inputs of a decision other than the request.
pub struct Inputs<'w> {
    /// Current time; ignored unless [`Policy::uses_time`] returns `true`.
    pub now: SystemTime,
    /// Returns 64 random bits.
    pub random_bits: &'w mut dyn FnMut() -> u64,
    /// Returns `true` if the canary of the entry with this index was rolled back in this pod.
    pub is_rolled_back: &'w dyn Fn(usize) -> bool,
}

/// The decision about a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Decision {
    /// Tag headers that were not read. Those that are present must be removed, and counted as
    /// [`Metric::InboundStripped`](crate::Metric::InboundStripped).
    pub strip: Vec<HeaderName>,
    /// Changes to the request headers, in order.
    pub request: Vec<HeaderEdits>,
    /// The tag of the top-level tag header, which is published as `weir.tag`; `None` without a tag.
    ///
    /// Filter state only gets it if [`Policy::writes_filter_state`] returns `true`.
    pub filter_state: Option<Rc<[u8]>>,
    /// Changes to the response; `None` if there are none.
    pub response: Option<Rc<ResponseChanges>>,
    /// Indices of the entries that gave the request the tag of their canary.
    pub canaries: Vec<usize>,
    /// Counters to increment; they can repeat.
    pub counters: Vec<Counter>,
    /// `true` in a dry run: headers to `strip` are only counted.
    pub is_dry_run: bool,
}

/// Changes to a response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ResponseChanges {
    /// Changes to the headers, in order.
    pub edits: Vec<HeaderEdits>,
    /// Values of `set-cookie` to add.
    pub cookies: Vec<String>,
    /// Value of `x-weir-explain`.
    pub explanation: Option<String>,
}

impl Policy {
    /// Returns the inputs that [`Policy::decide`] reads of a request.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the headers that carry tags, the top-level one first.
    #[must_use]
    pub fn tag_headers(&self) -> &[HeaderName] {
        &self.tag_headers
    }

    /// Returns `true` if decisions depend on [`Inputs::now`].
    #[must_use]
    pub const fn uses_time(&self) -> bool {
        self.uses_time
    }

    /// Returns `true` if schedules and weights are the same at both times, a few seconds apart.
    #[must_use]
    pub fn is_unchanged(&self, from: SystemTime, to: SystemTime) -> bool {
        self.entries.iter().all(|entry| entry.is_unchanged(from, to))
    }

    /// Returns `true` if the tag is written to filter state.
    #[must_use]
    pub const fn writes_filter_state(&self) -> bool {
        self.filter_state
    }

    /// Returns the names of the counters, indexed by [`Counter::index`].
    #[must_use]
    pub fn counters(&self) -> &[String] {
        &self.counters
    }

    /// Returns the warnings about the configuration.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the index of each entry with a canary, and the names of its metrics.
    pub fn canaries(&self) -> impl Iterator<Item = (usize, CanaryMetrics)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((index, entry.source.canary()?.metrics(&entry.name))))
    }

    /// Returns the current weight of an entry's canary in hundredths of a percent, 0 if the entry has
    /// no canary.
    #[must_use]
    pub fn canary_weight(&self, index: usize, now: SystemTime, is_rolled_back: bool) -> u16 {
        let Some(canary) = self.canary(index) else { return 0 };
        let is_over = is_rolled_back && !self.mode.is_dry_run() && canary.guard.is_some();
        if is_over { 0 } else { canary.weight(now) }
    }

    /// Counts a response for the guard of an entry's canary.
    ///
    /// Returns the responses and errors in the window if this response rolls the canary back.
    pub fn record(
        &self,
        index: usize,
        window: &mut ErrorWindow,
        now: SystemTime,
        is_error: bool,
    ) -> Option<(u64, u64)> {
        self.canary(index)?.record(window, now, is_error)
    }

    fn canary(&self, index: usize) -> Option<&Canary> {
        self.entries.get(index)?.source.canary()
    }
}

impl fmt::Debug for Inputs<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Inputs").field("now", &self.now).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
