//! The compiled configuration and its decisions.

use std::time::Duration;

use filter_core::{DetailLevel, HeaderName, Matcher, Mode, Needs, Percentage, Schedule, Warning};

use crate::{
    config::{HeadersConfig, MissingKeyConfig},
    key::KeySpec,
    rate::Rate,
};

mod charge;
mod compile;
mod cost;
mod global;
mod headers;
mod plan;
mod reply;

use crate::policy::{charge::Charge, compile::rate::RateSpec, cost::Cost};
pub use crate::policy::{
    charge::ResponseParts,
    global::{GlobalDraw, ServiceSpec},
    headers::Usage,
    plan::{Inputs, Plan, PlannedDraw},
    reply::{Denial, Refusal},
};

/// The maximum number of limits that apply to one request.
const MAX_PER_REQUEST: usize = 8;

/// A compiled configuration.
#[derive(Debug)]
pub struct Policy {
    matcher: Matcher,
    entries: Vec<Entry>,
    /// Indices of the rules for every request.
    global: Vec<usize>,
    limits: Vec<Limit>,
    rules: Vec<Rule>,
    needs: Needs,
    explain: Option<Matcher>,
    service: Option<ServiceSpec>,
    headers: HeadersConfig,
    has_x_ratelimit: bool,
    max_waiting: usize,
    detail: DetailLevel,
    mode: Mode,
    label_metrics: bool,
    uses_wall_clock: bool,
    warnings: Vec<Warning>,
}

/// A compiled entry of `http`.
#[derive(Debug)]
struct Entry {
    schedule: Schedule,
    /// Indices of its rules; empty if it exempts requests.
    rules: Vec<usize>,
}

/// A limit with counts of its own.
#[derive(Debug)]
pub struct Limit {
    /// The name, which is part of the keys of shared data.
    pub name: String,
    /// Number of pages of shared data, a power of two.
    pub pages: u64,
    kind: LimitKind,
    key: KeySpec,
    on_missing_key: MissingKeyConfig,
    /// `true` if the rate-limit service counts.
    is_global: bool,
    /// `None` for the default descriptor.
    descriptor: Option<global::DescriptorSpec>,
    reply: ReplyTemplate,
}

/// The kind of a limit.
#[derive(Debug)]
enum LimitKind {
    /// A rate of units.
    Rate(RateSpec),
    /// A number of concurrent requests.
    Concurrent(u64),
}

/// The configured reply of a limit.
#[derive(Debug)]
struct ReplyTemplate {
    status: u16,
    headers: Vec<(HeaderName, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

/// A use of a limit, by the entry that defines it or by one with `ref`.
#[derive(Debug)]
struct Rule {
    /// Index of the limit.
    limit: usize,
    cost: Cost,
    /// `None` if the units are taken at the request.
    charge: Option<Charge>,
    reserve: Percentage,
    max_wait: Duration,
    enforced: Percentage,
}

impl Policy {
    /// Returns the inputs that [`Policy::plan`] reads of a request.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the warnings about the configuration.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns `true` if no request is limited.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns `true` in a dry run.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.mode.is_dry_run()
    }

    /// Returns `true` if a schedule or a window depends on the wall clock.
    #[must_use]
    pub const fn uses_wall_clock(&self) -> bool {
        self.uses_wall_clock
    }

    /// Returns the maximum number of requests that a worker holds.
    #[must_use]
    pub const fn max_waiting(&self) -> usize {
        self.max_waiting
    }

    /// Returns the limits.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Returns `true` if metrics have labels.
    #[must_use]
    pub const fn has_labels(&self) -> bool {
        self.label_metrics
    }

    /// Returns the tags to list in Istio's `extraStatTags` for the labels.
    #[must_use]
    pub fn stat_tags(&self) -> &'static [&'static str] {
        if self.label_metrics { &["limit"] } else { &[] }
    }

    /// Returns the refusal of a request whose inputs cannot be read; `None` if it is admitted.
    #[must_use]
    pub fn unreadable(&self) -> Option<Denial> {
        (0..self.rules.len()).find(|rule| self.denies_unreadable(*rule)).map(Denial::never)
    }

    /// Returns `true` if the limit of a rule refuses requests without a key, and therefore those
    /// whose count cannot be read.
    #[must_use]
    pub fn denies_unreadable(&self, rule: usize) -> bool {
        self.limit_of(rule).is_some_and(|limit| limit.on_missing_key == MissingKeyConfig::Deny)
    }

    fn limit_of(&self, rule: usize) -> Option<&Limit> {
        self.limits.get(self.rules.get(rule)?.limit)
    }
}

impl Limit {
    /// Returns the name of the kind of its counts, for the keys of shared data.
    #[must_use]
    pub const fn kind_name(&self) -> &'static str {
        match &self.kind {
            LimitKind::Concurrent(_) => "active",
            LimitKind::Rate(spec) => match spec.rate {
                Rate::TokenBucket(_) => "bucket",
                Rate::Sliding(_) => "sliding",
                Rate::Fixed(_) => "fixed",
            },
        }
    }

    /// Returns the maximum number of concurrent requests; `None` for a rate.
    #[must_use]
    pub const fn concurrent(&self) -> Option<u64> {
        match &self.kind {
            LimitKind::Concurrent(max) => Some(*max),
            LimitKind::Rate(_) => None,
        }
    }

    /// Returns `true` if each key has its own count.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        !self.key.is_empty()
    }

    /// Returns the window with the numbers of the configuration; `None` for concurrent requests.
    #[must_use]
    pub const fn rate(&self) -> Option<Rate> {
        match &self.kind {
            LimitKind::Rate(spec) => Some(spec.rate),
            LimitKind::Concurrent(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
