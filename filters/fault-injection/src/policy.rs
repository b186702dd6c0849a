//! The compiled document, and the decision about a request.

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
mod trace;

pub use crate::policy::{
    decide::{Decision, Plan},
    explain::{Chance, Explanation, Outcome},
    schedule_state::ScheduleTransition,
    step::Step,
};

/// A compiled configuration; immutable and shared by all streams of a worker.
#[derive(Debug)]
pub struct Policy {
    matcher: Matcher,
    entries: Vec<Entry>,
    schedule: Schedule,
    needs: Needs,
    /// The largest share of each fault over all entries; a draw above it fires nothing.
    most: Shares,
    /// Whether the key of a request is needed before its draws.
    is_keyed: bool,
    max_delay: Duration,
    max_active: u64,
    max_faults_per_second: Option<u32>,
    guard: Option<Guard>,
    mark: Option<HeaderName>,
    mode: Mode,
    label_metrics: bool,
    warnings: Vec<Warning>,
}

/// The shares of the four faults.
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

/// What an entry does.
#[derive(Debug, Default)]
struct Fault {
    delay: Option<Delay>,
    abort: Option<Abort>,
    response: Option<Change>,
    rate: Option<RateLimit>,
    /// Whether one draw decides for all parts.
    is_draw_shared: bool,
}

/// The side of the exchange on which a fault acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Before the upstream sees the request.
    Request,
    /// After the upstream has answered.
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
    /// As the caller asks, if absent.
    ending: Option<Ending>,
    phase: Phase,
    headers: Vec<(HeaderName, Vec<u8>)>,
    body: Vec<u8>,
    grpc_message: Option<Vec<u8>>,
}

/// How an aborted stream ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// With a reply of this status.
    Http(u16),
    /// With a reply of this gRPC status.
    Grpc(GrpcStatus),
    /// Without a reply.
    Reset,
}

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
    /// KiB a second; as the caller asks, if absent.
    limit: Option<u64>,
}

impl Policy {
    /// Returns what must be read of a request for which [`Policy::may_fire`] says yes.
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns what an operator should know about the configuration at `now`.
    pub fn warnings(&self, now: SystemTime) -> Vec<Warning> {
        let mut warnings = self.warnings.clone();
        if self.entries.iter().any(|entry| entry.fault.is_some()) && self.schedule.is_over(now) {
            warnings.push(Warning::new("schedule", "expiresAt has passed, so no fault fires"));
        }
        let faulty = self.entries.iter().filter(|entry| entry.fault.is_some());
        let over = faulty.filter(|entry| entry.schedule.is_over(now));
        let message = "expiresAt has passed, so its faults never fire";
        warnings.extend(over.map(|entry| Warning::new(&entry.name, message)));
        warnings
    }

    /// Says whether the document can never do anything.
    pub fn is_idle(&self) -> bool {
        self.most == Shares::default()
    }

    /// Returns how many streams may be held at once in the pod.
    pub const fn max_active(&self) -> u64 {
        self.max_active
    }

    /// Returns the maximum number of faults that begin in the pod each second.
    pub const fn max_faults_per_second(&self) -> Option<u32> {
        self.max_faults_per_second
    }

    /// Returns what stops the pod by itself.
    pub const fn guard(&self) -> Option<Guard> {
        self.guard
    }

    /// Says whether nothing is carried out.
    pub const fn is_dry_run(&self) -> bool {
        self.mode.is_dry_run()
    }

    /// Returns the response header that names the fault.
    pub const fn mark(&self) -> Option<&HeaderName> {
        self.mark.as_ref()
    }

    /// Returns the labels of counters: the names of entries with a fault, where wanted.
    pub fn labels(&self) -> BTreeSet<&str> {
        let faulty = self.entries.iter().filter(|it| self.label_metrics && it.fault.is_some());
        faulty.map(|entry| entry.name.as_str()).collect()
    }

    /// Returns the label of a plan's counters.
    pub fn label(&self, plan: &Plan) -> Option<&str> {
        let entry = self.entry(plan).filter(|_| self.label_metrics)?;
        Some(&entry.name)
    }

    /// Returns the stat tags that Istio must know for the labels of the counters.
    pub fn stat_tags(&self) -> &'static [&'static str] {
        if self.label_metrics { &["rule"] } else { &[] }
    }

    /// Returns what a plan is counted as when its faults begin.
    pub fn counts(&self, plan: &Plan) -> Vec<Metric> {
        let abort = match plan.abort {
            Some(Ending::Reset) => Some(Metric::Resets),
            other => other.map(|_| Metric::Aborts),
        };
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
