//! The compiled configuration and its decisions.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use filter_core::{
    ConsistentHash, GrpcStatus, Guard, HeaderEdits, HeaderName, Matcher, Mode, Needs, Percentage,
    Schedule, Warning,
};

use crate::{body::BodyEdit, delay::DelayLength, metrics::Metric};

mod compile;
mod decide;
mod explain;
mod fault;
mod reply;
mod schedule_state;
mod step;
mod summary;

pub use crate::policy::{
    decide::{Decision, Plan},
    explain::{Explanation, FaultDraw, Outcome},
    schedule_state::ScheduleTransition,
    step::Step,
};

/// A compiled configuration.
#[derive(Debug)]
pub struct Policy {
    matcher: Matcher,
    entries: Vec<Entry>,
    schedule: Schedule,
    needs: Needs,
    /// Maximum percentage of each fault over all entries; higher draws cannot fire.
    max_shares: Shares,
    /// `true` if an entry with a fault has a `consistentHash`.
    is_keyed: bool,
    max_delay: Duration,
    max_active: u64,
    max_faults_per_second: Option<u32>,
    guard: Option<Guard>,
    mark_header: Option<HeaderName>,
    mode: Mode,
    label_metrics: bool,
    warnings: Vec<Warning>,
}

/// The percentages of the four faults.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Shares {
    delay: Percentage,
    abort: Percentage,
    response: Percentage,
    rate: Percentage,
}

/// A compiled entry of `http`.
#[derive(Debug)]
struct Entry {
    name: String,
    schedule: Schedule,
    hash: Option<ConsistentHash>,
    salt: String,
    fault: Option<Fault>,
}

/// The faults of an entry.
#[derive(Debug, Default)]
struct Fault {
    delay: Option<Delay>,
    abort: Option<Abort>,
    response: Option<Change>,
    rate: Option<RateLimit>,
    /// `true` if the draw of the delay decides about every fault.
    is_draw_shared: bool,
}

/// The point in a stream at which a fault is injected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Before the request is forwarded.
    Request,
    /// After the upstream has responded.
    Response,
}

#[derive(Debug)]
struct Delay {
    share: Percentage,
    length: DelayLength,
    phase: Phase,
}

#[derive(Debug)]
struct Abort {
    share: Percentage,
    /// `None` if request headers set it.
    kind: Option<AbortKind>,
    phase: Phase,
    headers: Vec<(HeaderName, Vec<u8>)>,
    body: Vec<u8>,
    grpc_message: Option<Vec<u8>>,
}

/// The way in which an abort ends a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AbortKind {
    /// A reply with this HTTP status.
    Http(u16),
    /// A reply with this gRPC status.
    Grpc(GrpcStatus),
    /// A reset without a reply.
    Reset,
}

/// Changes to a response.
#[derive(Debug)]
struct Change {
    share: Percentage,
    status: Option<u16>,
    edits: HeaderEdits,
    body: Option<BodyEdit>,
}

#[derive(Debug)]
struct RateLimit {
    share: Percentage,
    /// KiB per second; `None` if a request header sets it.
    limit: Option<u64>,
}

impl Policy {
    /// Returns the inputs that [`Policy::decide`] reads of a request.
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the warnings about the configuration.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns warnings about schedules that are over at `now`.
    pub fn expiry_warnings(&self, now: SystemTime) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let has_fault = self.entries.iter().any(|entry| entry.fault.is_some());
        if has_fault && self.schedule.is_over(now) {
            warnings.push(Warning::new("schedule", "expiresAt has passed, so no fault fires"));
        }
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.fault.is_some() && entry.schedule.is_over(now) {
                let path = format_args!("http[{index}].schedule");
                warnings.push(Warning::new(path, "expiresAt has passed, so no fault fires"));
            }
        }
        warnings
    }

    /// Returns `true` if no fault can ever fire.
    pub fn is_idle(&self) -> bool {
        self.max_shares == Shares::default()
    }

    /// Returns the maximum number of held streams in the pod.
    pub const fn max_active(&self) -> u64 {
        self.max_active
    }

    /// Returns the maximum number of faults that start in the pod each second.
    pub const fn max_faults_per_second(&self) -> Option<u32> {
        self.max_faults_per_second
    }

    /// Returns the guard of the automatic stop.
    pub const fn guard(&self) -> Option<Guard> {
        self.guard
    }

    /// Returns `true` in a dry run.
    pub const fn is_dry_run(&self) -> bool {
        self.mode.is_dry_run()
    }

    /// Returns the response header that describes the fault.
    pub const fn mark_header(&self) -> Option<&HeaderName> {
        self.mark_header.as_ref()
    }

    /// Returns the labels of the counters: the names of entries with a fault if `metrics.labels` is
    /// set.
    pub fn labels(&self) -> BTreeSet<&str> {
        let labelled =
            self.entries.iter().filter(|entry| self.label_metrics && entry.fault.is_some());
        labelled.map(|entry| entry.name.as_str()).collect()
    }

    /// Returns the label of a plan's counters.
    pub fn label(&self, plan: &Plan) -> Option<&str> {
        let entry = self.entry(plan).filter(|_| self.label_metrics)?;
        Some(&entry.name)
    }

    /// Returns the tags to list in Istio's `extraStatTags` for the labels.
    pub fn stat_tags(&self) -> &'static [&'static str] {
        if self.label_metrics { &["rule"] } else { &[] }
    }

    /// Returns the counters to increment when a plan is activated.
    pub fn counts(&self, plan: &Plan) -> Vec<Metric> {
        let abort = plan.abort.map(|kind| match kind {
            AbortKind::Http(_) | AbortKind::Grpc(_) => Metric::Aborts,
            AbortKind::Reset => Metric::Resets,
        });
        let all = [
            plan.delay.map(|_| Metric::Delays),
            abort,
            plan.changes_response.then_some(Metric::Responses),
            plan.rate.map(|_| Metric::RateLimits),
            self.is_dry_run().then_some(Metric::DryRun),
        ];
        all.into_iter().flatten().collect()
    }

    fn entry(&self, plan: &Plan) -> Option<&Entry> {
        self.entries.get(plan.entry)
    }

    fn fault(&self, plan: &Plan) -> Option<&Fault> {
        self.entry(plan)?.fault.as_ref()
    }
}

#[cfg(test)]
mod tests;
